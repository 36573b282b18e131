package storageerror

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestTranslate keeps the promise that what callers can act on has a code of
// the domain, and that the end of their context is theirs.
func TestTranslate(t *testing.T) {
	service := Service{Name: "Test", Conflict: func(errorCode string) job.Code {
		if errorCode == "Busy" {
			return job.CodeServerBusy
		}
		return job.CodeExists
	}}
	answer := func(status int, code string) error {
		return &azcore.ResponseError{StatusCode: status, ErrorCode: code}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		want error // nil: an error without a code
	}{
		"not there":             {t.Context(), answer(http.StatusNotFound, ""), job.ErrNotFound},
		"changed":               {t.Context(), answer(http.StatusPreconditionFailed, ""), job.ErrConflict},
		"there already":         {t.Context(), answer(http.StatusConflict, "Exists"), job.ErrExists},
		"being deleted":         {t.Context(), answer(http.StatusConflict, "Busy"), job.ErrBusy},
		"behind the end":        {t.Context(), answer(http.StatusRequestedRangeNotSatisfiable, ""), &job.Error{Code: job.CodeInvalidRequest}},
		"throttled":             {t.Context(), answer(http.StatusTooManyRequests, ""), job.ErrBusy},
		"out of order":          {t.Context(), answer(http.StatusServiceUnavailable, ""), job.ErrBusy},
		"forbidden":             {t.Context(), answer(http.StatusForbidden, ""), nil},
		"no answer":             {t.Context(), errors.New("connection reset"), job.ErrBusy},
		"its own time-out":      {t.Context(), context.DeadlineExceeded, job.ErrBusy},
		"the caller gave up":    {ended, errors.New("connection closed"), context.Canceled},
		"answered all the same": {ended, answer(http.StatusNotFound, ""), job.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			got := service.Translate(test.ctx, "doing it", test.err)
			if test.want != nil && !errors.Is(got, test.want) {
				t.Errorf("Translate = %v, want %v", got, test.want)
			}
			if _, ok := errors.AsType[*job.Error](got); test.want == nil && (got == nil || ok) {
				t.Errorf("Translate = %v, want an error without a code", got)
			}
		})
	}
	if err := service.Translate(t.Context(), "doing it", nil); err != nil {
		t.Errorf("Translate(nil) = %v", err)
	}
}
