package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// A service that lets each caller ask once in ten seconds, and twice at first.
func ExampleLimiter() {
	limiter := web.NewLimiter(web.LimiterOptions{Rate: 0.1, Burst: 2})
	e := web.New(nil)
	e.GET("/tea", func(c echo.Context) error {
		if err := limiter.Allow(c, c.Request().Header.Get("X-Guest")); err != nil {
			return err
		}
		return c.String(http.StatusOK, "tea")
	})

	for _, guest := range []string{"hare", "hare", "hare", "hatter"} {
		request := httptest.NewRequest(http.MethodGet, "/tea", nil)
		request.Header.Set("X-Guest", guest)
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, request)
		fmt.Printf("%s %d %q\n", guest, answer.Code, answer.Header().Get("Retry-After"))
	}
	// Output:
	// hare 200 ""
	// hare 200 ""
	// hare 429 "10"
	// hatter 200 ""
}

// Without a rate there is no limit, so that a setting that is left at zero
// needs no case of its own.
func ExampleNewLimiter_unlimited() {
	limiter := web.NewLimiter(web.LimiterOptions{})
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
	fmt.Println(limiter == nil, limiter.Allow(c, "anybody"))
	// Output: true <nil>
}
