package auth

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
)

// BenchmarkOwner tells what a request costs more with AUTH_MODE=entra, with a
// token that was used before and with one that was not.
func BenchmarkOwner(b *testing.B) {
	i := authtest.NewIssuer(b)
	config := Config{Mode: ModeEntra, Issuer: i.URL(), Audience: []string{authtest.Audience}}
	a, err := config.Open(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	owner := a.Owner(func(*http.Request) []string { return []string{"Jobs.Read"} })
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "Bearer "+i.Token(b, "Jobs.Read"))
	c := echo.New().NewContext(request, httptest.NewRecorder())
	for name, forget := range map[string]func(){"known": func() {}, "new": a.known.cache.Purge} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				forget()
				if _, err := owner(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
