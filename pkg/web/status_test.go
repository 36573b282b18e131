package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// codes gives the value of every Code constant that package job declares.
func codes(t *testing.T) []job.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../job/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []job.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, job.Code(text))
		return true
	})
	if len(found) < 30 {
		t.Fatalf("found only %d codes", len(found))
	}
	return found
}

// TestEveryCodeHasAStatus states that no code of the domain falls through to
// 500 by being forgotten.
func TestEveryCodeHasAStatus(t *testing.T) {
	for _, code := range codes(t) {
		if status := web.Status(code); status == http.StatusInternalServerError && code != job.CodeInternal {
			t.Errorf("%s has no status", code)
		}
	}
	if status := web.Status("SomethingElse"); status != http.StatusInternalServerError {
		t.Errorf("unknown code gives %d, want 500", status)
	}
}

// TestStatus states the answers that callers rely on.
func TestStatus(t *testing.T) {
	for code, want := range map[job.Code]int{
		job.CodeInvalidRequest:       400,
		job.CodeInvalidID:            400,
		job.CodeInvalidPayload:       400,
		job.CodeInvalidParameter:     400,
		job.CodeUnauthorized:         401,
		job.CodeForbidden:            403,
		job.CodeUnknownOperation:     404,
		job.CodeNotFound:             404,
		job.CodeMethodNotAllowed:     405,
		job.CodeRequestTimeout:       408,
		job.CodeNotFinished:          409,
		job.CodeCanceled:             409,
		job.CodeGone:                 410,
		job.CodePayloadTooLarge:      413,
		job.CodeUnsupportedMediaType: 415,
		job.CodeKeyReused:            422,
		job.CodeHandlerFailed:        422,
		job.CodeExpired:              422,
		job.CodeTooManyRequests:      429,
		job.CodeInternal:             500,
		job.CodeServerBusy:           503,
	} {
		if got := web.Status(code); got != want {
			t.Errorf("Status(%s) = %d, want %d", code, got, want)
		}
	}
}

// TestFailureStatusEndsPolling states that a failed job is answered with a
// status that no Azure poller takes for "keep polling", whatever its code.
func TestFailureStatusEndsPolling(t *testing.T) {
	for _, code := range append(codes(t), "BackendSaidSo", "") {
		want := http.StatusUnprocessableEntity
		if code == job.CodeCanceled {
			want = http.StatusConflict
		}
		if got := web.FailureStatus(code); got != want {
			t.Errorf("FailureStatus(%q) = %d, want %d", code, got, want)
		}
	}
}
