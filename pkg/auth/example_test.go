package auth_test

import (
	"fmt"
	"net/http"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/auth"
)

// Callers of a tenant submit jobs if the API's app role Jobs.Submit, or its
// scope of that name, is theirs.
func Example() {
	config := auth.Config{
		Mode:     auth.ModeEntra,
		Issuer:   "https://login.microsoftonline.com/11111111-aaaa-4aaa-8aaa-111111111111/v2.0",
		Audience: []string{"22222222-bbbb-4bbb-8bbb-222222222222"},
	}
	callers, err := config.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer callers.Close()
	options := acceptor.Options{
		Owner: callers.Owner(func(*http.Request) []string { return []string{"Jobs.Submit"} }),
	}
	fmt.Println(options.Owner != nil, callers.Checks()[0].Name)
	// Output: true issuer
}
