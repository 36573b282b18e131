package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// problemCases are errors of handlers and what the caller sees of them.
var problemCases = []struct {
	name    string
	err     error
	status  int
	code    job.Code
	detail  any
	headers map[string]string
}{
	{
		name:   "an error of the domain, wrapped",
		err:    fmt.Errorf("look up: %w", &job.Error{Code: job.CodeGone, Message: "Too late.", Err: errors.New("secret")}),
		status: 410, code: job.CodeGone, detail: "Too late.",
	},
	{
		name: "one without a message",
		err:  job.ErrNotFound, status: 404, code: job.CodeNotFound,
	},
	{
		name: "a problem with headers of its own",
		err: web.NewProblem(job.CodeUnsupportedMediaType, "No.").
			WithHeader("Accept-Post", "image/png"),
		status: 415, code: job.CodeUnsupportedMediaType, detail: "No.",
		headers: map[string]string{"Accept-Post": "image/png"},
	},
	{
		name: "busy advises when to come back",
		err:  job.ErrBusy, status: 503, code: job.CodeServerBusy,
		headers: map[string]string{"Retry-After": "2"},
	},
	{
		name:   "unless the problem says when",
		err:    web.NewProblem(job.CodeTooManyRequests, "").WithHeader("Retry-After", "17"),
		status: 429, code: job.CodeTooManyRequests,
		headers: map[string]string{"Retry-After": "17"},
	},
	{
		name:   "a body over net/http's limit ends the connection",
		err:    &http.MaxBytesError{Limit: 3},
		status: 413, code: job.CodePayloadTooLarge,
	},
	{
		name:   "an error of Echo",
		err:    echo.NewHTTPError(http.StatusTeapot, "short and stout"),
		status: 418, code: job.CodeInvalidRequest, detail: "short and stout",
	},
	{
		name:   "a time-out of our own",
		err:    fmt.Errorf("read: %w", context.DeadlineExceeded),
		status: 503, code: job.CodeServerBusy, detail: "The service took too long to answer. Try again.",
	},
	{
		name:   "anything else says nothing about its cause",
		err:    errors.New("password is hunter2"),
		status: 500, code: job.CodeInternal, detail: "The service failed. Try again later.",
	},
}

// TestErrorsBecomeProblems states that every error of a handler is answered
// with problem details whose members, status and headers agree.
func TestErrorsBecomeProblems(t *testing.T) {
	for _, test := range problemCases {
		t.Run(test.name, func(t *testing.T) {
			e := web.New(nil)
			e.GET("/x", func(echo.Context) error { return test.err })
			got := start(t, e, nil).get("/x?q=1")
			members := got.members(t)
			if got.StatusCode != test.status || members["status"] != float64(test.status) {
				t.Errorf("status %d, member %v, want %d", got.StatusCode, members["status"], test.status)
			}
			if code := string(test.code); members["code"] != code || got.Header.Get(web.HeaderErrorCode) != code {
				t.Errorf("code %v, header %q, want %q", members["code"], got.Header.Get(web.HeaderErrorCode), code)
			}
			if members["detail"] != test.detail {
				t.Errorf("detail %v, want %v", members["detail"], test.detail)
			}
			for name, want := range map[string]any{
				"type": "about:blank", "title": http.StatusText(test.status), "instance": "/x",
				"requestId": got.Header.Get(web.HeaderRequestID),
			} {
				if members[name] != want {
					t.Errorf("%s = %v, want %v", name, members[name], want)
				}
			}
			for name, want := range map[string]string{"Content-Type": web.MIMEProblem, "Cache-Control": "no-store"} {
				if got.Header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
				}
			}
			for name, want := range test.headers {
				if got.Header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
				}
			}
			if wantClose := test.status == 408 || test.status == 413; got.Close != wantClose {
				t.Errorf("connection closed: %v, want %v", got.Close, wantClose)
			}
		})
	}
}

// TestViolationsAreListed states that what is wrong with a payload is told
// field by field.
func TestViolationsAreListed(t *testing.T) {
	e := web.New(nil)
	e.GET("/x", func(echo.Context) error {
		return &job.Error{Code: job.CodeInvalidPayload, Err: &operation.Violations{List: []operation.Violation{
			{Pointer: "/customername", Detail: "is too short"}, {Name: "width", Detail: "is not an integer"},
		}}}
	})
	got := start(t, e, nil).get("/x").members(t)["errors"]
	want := []any{
		map[string]any{"pointer": "/customername", "detail": "is too short"},
		map[string]any{"name": "width", "detail": "is not an integer"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("errors = %v, want %v", got, want)
	}
}

// TestExtensions states that a problem's own members stand beside the common
// ones, that the job is named, and that URLs stay readable.
func TestExtensions(t *testing.T) {
	id, err := job.ParseID("0193509c-9400-8000-8000-000000000000")
	if err != nil {
		t.Fatal(err)
	}
	shared := web.NewProblem(job.CodeNotFinished, "").With("next", "/a?b=c&d=e").With("known", []string{"x"})
	e := web.New(nil)
	e.GET("/x", func(c echo.Context) error { web.SetRequestGUID(c, id); return shared })
	s := start(t, e, nil)
	for range 2 {
		got := s.get("/x")
		members := got.members(t)
		if members["requestGuid"] != id.String() || members["next"] != "/a?b=c&d=e" || !reflect.DeepEqual(members["known"], []any{"x"}) {
			t.Errorf("got %s", got.body)
		}
	}
	if shared.RequestGUID != "" || shared.RequestID != "" {
		t.Errorf("answering changed the problem that the handler returned: %+v", shared)
	}
}

// TestUnknownRoutes states that paths and methods that are not there are
// problems too, and that 405 says what is there.
func TestUnknownRoutes(t *testing.T) {
	e := web.New(nil)
	e.GET("/x", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	s := start(t, e, nil)
	if got := s.get("/y"); got.StatusCode != 404 || got.members(t)["code"] != string(job.CodeNotFound) {
		t.Errorf("unknown path: %d %s", got.StatusCode, got.body)
	}
	got := s.do(http.MethodPut, "/x", nil)
	if got.StatusCode != 405 || got.members(t)["code"] != string(job.CodeMethodNotAllowed) || got.Header.Get("Allow") != "OPTIONS, GET" {
		t.Errorf("unknown method: %d, Allow %q, %s", got.StatusCode, got.Header.Get("Allow"), got.body)
	}
}
