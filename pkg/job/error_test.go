package job_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// An error is asked for by its code, however deep it lies and whatever else
// it says.
func TestErrorsAreAskedForByCode(t *testing.T) {
	err := fmt.Errorf("get: %w", &job.Error{Code: job.CodeNotFound, Message: "no row", Err: io.EOF})
	for target, want := range map[error]bool{
		job.ErrNotFound: true, job.ErrConflict: false, io.EOF: true,
		&job.Error{Code: job.CodeNotFound, Message: "no row"}: false, // not a bare code
	} {
		if got := errors.Is(err, target); got != want {
			t.Errorf("errors.Is(%v): %v", target, got)
		}
	}
	if job.CodeOf(err) != job.CodeNotFound || job.CodeOf(io.EOF) != job.CodeInternal {
		t.Errorf("codes are %s, %s", job.CodeOf(err), job.CodeOf(io.EOF))
	}
}

// The text gives what there is of code, message and cause.
func TestErrorText(t *testing.T) {
	for want, err := range map[string]*job.Error{
		"Gone":           {Code: job.CodeGone},
		"Gone: late":     {Code: job.CodeGone, Message: "late"},
		"Gone: EOF":      {Code: job.CodeGone, Err: io.EOF},
		"Gone: why: EOF": {Code: job.CodeGone, Message: "why", Err: io.EOF},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
