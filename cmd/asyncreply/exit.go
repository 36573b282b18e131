package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/asyncreply/asyncreply/pkg/client"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailure     = 1
	exitUsage       = 2
	exitJobFailed   = 3
	exitJobCanceled = 4
	exitRefused     = 5
	exitUnknown     = 6
	exitNotFinished = 7
	exitTimeout     = 124 // as timeout(1) has it
	exitInterrupted = 130
)

var exits = []struct {
	status int
	means  string
}{
	{exitDone, "done; with --wait and watch: the job succeeded"},
	{exitFailure, "a service, the network or a file failed"},
	{exitUsage, "wrong arguments or settings"},
	{exitJobFailed, "the job failed"},
	{exitJobCanceled, "the job was canceled"},
	{exitRefused, "the request was refused, such as for a payload that does not fit"},
	{exitUnknown, "there is no such job, or nothing is known of it any more"},
	{exitNotFinished, "the job has no result yet"},
	{exitTimeout, "--timeout passed; the job goes on"},
	{exitInterrupted, "interrupted; the job goes on"},
}

// errTimeout is why a context ended after --timeout.
var errTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string        { return "--timeout passed" }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// usageError is a mistake in the arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

// exitStatus gives what err is to scripts.
func exitStatus(err error) int {
	_, wrong := errors.AsType[*usageError](err)
	problem, answered := errors.AsType[*client.Problem](err)
	switch {
	case err == nil:
		return exitDone
	case wrong:
		return exitUsage
	case client.IsFailed(err):
		return exitJobFailed
	case client.IsCanceled(err):
		return exitJobCanceled
	case client.IsUnknown(err):
		return exitUnknown
	case client.IsNotFinished(err):
		return exitNotFinished
	case errors.Is(err, errTimeout):
		return exitTimeout
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case answered && problem.Status < http.StatusInternalServerError && problem.Status != http.StatusTooManyRequests:
		return exitRefused
	}
	return exitFailure
}

// explain tells people, or with --json programs, what went wrong.
func (p *program) explain(err error) {
	if err == nil {
		return
	}
	if !p.options.json {
		fmt.Fprintln(p.stderr, "asyncreply:", printable(err.Error()))
		return
	}
	problem, ok := errors.AsType[*client.Problem](err)
	if !ok {
		problem = &client.Problem{Type: "about:blank", Title: "asyncreply failed", Detail: err.Error()}
	}
	text, err := json.Marshal(struct {
		*client.Problem
		Exit int `json:"exit"`
	}{problem, exitStatus(err)})
	if err != nil {
		text = []byte(`{}`)
	}
	fmt.Fprintf(p.stderr, "%s\n", text)
}

// lost adds to an error that ended a wait, but not the job, how to go on.
func lost(j *client.Job, err error) error {
	if client.IsFailed(err) || client.IsCanceled(err) || client.IsUnknown(err) {
		return err
	}
	return fmt.Errorf("%w; the job goes on: asyncreply watch %s", err, j.Token())
}
