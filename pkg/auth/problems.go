package auth

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

const scheme = "Bearer"

// bearerToken reads the Authorization header (RFC 6750, section 2.1). Tokens
// are taken from nowhere else: in a URL they end up in logs.
func bearerToken(header http.Header) (string, error) {
	values := header.Values(echo.HeaderAuthorization)
	if len(values) > 1 {
		return "", invalidRequest("The request has more than one Authorization header.")
	}
	if len(values) == 0 {
		return "", noToken()
	}
	name, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(name, scheme) {
		return "", noToken()
	}
	token = strings.Trim(token, " ")
	if token == "" || strings.ContainsAny(token, " ,\t") {
		return "", invalidRequest("The Authorization header is not of the form Bearer token.")
	}
	return token, nil
}

// noToken is the one challenge without an error, for the caller may not have
// known that a token is needed (RFC 6750, section 3.1).
func noToken() error {
	return challenge(job.CodeUnauthorized, "", "An access token is needed, in the header Authorization: Bearer.", "")
}

func invalidRequest(detail string) error {
	return challenge(job.CodeInvalidRequest, "invalid_request", detail, "")
}

// invalidToken says of the cause what helps an honest caller, and the rest to
// the log.
func invalidToken(detail string, cause error) error {
	p := challenge(job.CodeUnauthorized, "invalid_token", detail, "")
	p.Err = cause
	return p
}

func insufficientScope(names []string) error {
	detail := "The access token has none of the roles and scopes that allow this: " + strings.Join(names, ", ") + "."
	return challenge(job.CodeForbidden, "insufficient_scope", detail, strings.Join(names, " "))
}

// unavailable is a 503: nothing is known against the caller.
func unavailable(cause error) error {
	p := web.NewProblem(job.CodeServerBusy, "Callers cannot be told apart at the moment. Try again.")
	p.Err = cause
	return p
}

// challenge is a problem with a WWW-Authenticate header (RFC 6750, section
// 3). No argument has a quotation mark or a backslash in it.
func challenge(code job.Code, failure, detail, scope string) *web.Problem {
	value := scheme + ` realm="asyncreply"`
	if failure != "" {
		value += `, error="` + failure + `", error_description="` + detail + `"`
	}
	if scope != "" {
		value += `, scope="` + scope + `"`
	}
	return web.NewProblem(code, detail).WithHeader(echo.HeaderWWWAuthenticate, value)
}
