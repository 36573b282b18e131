package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// AnyOrigin allows pages of every origin.
const AnyOrigin = "*"

// DefaultPreflightAge is how long a browser need not ask again whether it may
// send a request. Chromium does not keep an answer for longer.
const DefaultPreflightAge = 2 * time.Hour

// exposedHeaders are what scripts of other origins may read of an answer,
// beside what the Fetch standard lets them read anyway.
var exposedHeaders = strings.Join([]string{
	"Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Idempotency-Key", "Location", "Operation-Location",
	"Preference-Applied", "Repr-Digest", "Retry-After", "WWW-Authenticate", "traceparent", HeaderErrorCode, HeaderRequestID,
}, ", ")

const (
	allowedMethods = "GET, HEAD, POST, DELETE"
	// allowedHeaders lets tracing libraries and SDKs add what they like. The
	// asterisk does not stand for Authorization.
	allowedHeaders = "Authorization, *"
)

// CORSOptions are the settings of [CORS]. The zero value allows no origin but
// the service's own.
type CORSOptions struct {
	// AllowedOrigins are those whose pages may call the service, such as
	// https://app.example, or [AnyOrigin].
	AllowedOrigins []string

	MaxAge time.Duration // of a preflight's answer, default [DefaultPreflightAge]
}

// CORS makes the middleware that lets pages of other origins call the service
// (Fetch standard, section 3.3, "CORS protocol"). Cookies play no part in it:
// callers show who they are by the Authorization header, so no page can act
// for its visitor without a token. Every preflight is answered with 204, one
// of an origin that is not allowed without any permission. The error names the
// origin that is malformed.
func CORS(opts *CORSOptions) (echo.MiddlewareFunc, error) {
	if err := CheckOrigins(opts.AllowedOrigins); err != nil {
		return nil, err
	}
	p := &crossOrigin{age: strconv.Itoa(int(orDefault(opts.MaxAge, DefaultPreflightAge).Seconds()))}
	for _, origin := range opts.AllowedOrigins {
		p.any = p.any || origin == AnyOrigin
		p.origins = append(p.origins, strings.ToLower(origin))
	}
	return p.middleware, nil
}

// CheckOrigins gives an error that names the first that is neither an origin
// nor [AnyOrigin].
func CheckOrigins(origins []string) error {
	for _, origin := range origins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	return nil
}

func checkOrigin(text string) error {
	if text == AnyOrigin {
		return nil
	}
	origin, err := OriginOf(text)
	if err == nil && origin != strings.ToLower(text) {
		err = errors.New("has more than scheme, host and port, or the scheme's own port")
	}
	if err != nil {
		return fmt.Errorf("%q is not an origin such as https://app.example: %w", text, err)
	}
	return nil
}

// OriginOf gives the origin of an absolute http or https URL, in the form that
// browsers send it (RFC 6454, section 6.2).
func OriginOf(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", errors.New("is no URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return "", errors.New("is no absolute http or https URL")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	return u.Scheme + "://" + host, nil
}

// crossOrigin answers pages of other origins.
type crossOrigin struct {
	origins []string
	any     bool
	age     string // seconds
}

func (p *crossOrigin) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header, request := c.Response().Header(), c.Request()
		// No cache keeps what a POST is answered with (RFC 9110, section 9.3.3).
		if !p.any && request.Method != http.MethodPost {
			header.Add(echo.HeaderVary, echo.HeaderOrigin)
		}
		allowed := p.allowed(request.Header.Get(echo.HeaderOrigin))
		if allowed != "" {
			header.Set(echo.HeaderAccessControlAllowOrigin, allowed)
		}
		if isPreflight(request) {
			return p.preflight(c, allowed != "")
		}
		if allowed != "" {
			header.Set(echo.HeaderAccessControlExposeHeaders, exposedHeaders)
		}
		return next(c)
	}
}

// allowed gives what the answer to a page of origin says of who may read it,
// or "".
func (p *crossOrigin) allowed(origin string) string {
	switch {
	case origin == "":
		return ""
	case p.any:
		return AnyOrigin
	case slices.Contains(p.origins, strings.ToLower(origin)):
		return origin
	}
	return ""
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get(echo.HeaderOrigin) != "" &&
		r.Header.Get(echo.HeaderAccessControlRequestMethod) != ""
}

func (p *crossOrigin) preflight(c echo.Context, allowed bool) error {
	if allowed {
		header := c.Response().Header()
		header.Set(echo.HeaderAccessControlAllowMethods, allowedMethods)
		header.Set(echo.HeaderAccessControlAllowHeaders, allowedHeaders)
		header.Set(echo.HeaderAccessControlMaxAge, p.age)
	}
	return c.NoContent(http.StatusNoContent)
}
