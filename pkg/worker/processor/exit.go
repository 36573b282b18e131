package processor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// Exit statuses with a meaning, from sysexits(3).
const (
	exitDataErr     = 65 // EX_DATAERR: the payload is wrong
	exitUnavailable = 69 // EX_UNAVAILABLE: something that it needs is away
	exitOSErr       = 71 // EX_OSERR: the system is out of something
	exitIOErr       = 74 // EX_IOERR: reading or writing failed
	exitTempFail    = 75 // EX_TEMPFAIL: try again later
)

// A shell whose program dies by signal n exits with exitSignal + n.
const (
	exitSignal = 128
	lastSignal = 64
)

// verdict says what the end of a program means for its job.
func (p *program) verdict(err error) error {
	if err == nil {
		return nil
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return failed("The program could not be waited for.", err)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return worker.RetryAfter(0, p.failure(job.CodeHandlerFailed, fmt.Sprintf("The program was ended by a signal: %s.", status.Signal()), nil))
	}
	code := exit.ExitCode()
	detail, _ := json.Marshal(map[string]int{"exitStatus": code})
	message := fmt.Sprintf("The program exited with status %d.", code)
	switch {
	case code == exitDataErr:
		return p.failure(job.CodeInvalidPayload, message, detail)
	case code == exitUnavailable, code == exitOSErr, code == exitIOErr, code == exitTempFail,
		code > exitSignal && code <= exitSignal+lastSignal:
		return worker.RetryAfter(0, p.failure(job.CodeHandlerFailed, message, detail))
	}
	return p.failure(job.CodeHandlerFailed, message, detail)
}

// failure is permanent unless it is wrapped. What the program itself said of
// it comes first.
func (p *program) failure(code job.Code, message string, detail json.RawMessage) error {
	if said := p.report.get(); said != "" {
		message = said
	}
	return worker.Fail(job.Failure{Code: code, Message: message, Detail: detail})
}
