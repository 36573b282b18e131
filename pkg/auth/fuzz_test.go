package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// FuzzAuthorization keeps the promise that whatever an Authorization header
// says, nobody comes in as somebody whose token the issuer did not sign, and
// what is refused is a problem of the caller's.
func FuzzAuthorization(f *testing.F) {
	i := authtest.NewIssuer(f)
	config := configOf(i)
	a, err := config.Open(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(a.Close)
	owner := a.Owner(roles)
	good := i.Token(f, "Jobs.Read")
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		"", "Bearer", "Bearer " + good, "bearer  " + good, "Basic eDp5", "Bearer " + good + "=", "Bearer ..", "Bearer a.b.c",
		"Bearer " + parts[0] + "." + parts[1] + ".", "Bearer eyJhbGciOiJub25lIn0." + parts[1] + ".", "Bearer {}",
		"Bearer eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9." + parts[1] + "." + parts[2],
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Authorization", header)
		got, err := owner(echo.New().NewContext(request, httptest.NewRecorder()))
		switch {
		case err == nil && got != authtest.Tenant+"/"+authtest.Object:
			t.Errorf("%q comes in as %q", header, got)
		case err == nil && !strings.Contains(header, parts[0]+"."+parts[1]):
			t.Errorf("%q comes in", header)
		case err != nil && web.ProblemOf(err).Status/100 != 4:
			t.Errorf("%q: %v", header, err)
		}
	})
}
