// Command loadtest drives a deployment with requests and tells how it bore
// them: a fixed number of callers that each wait for their answer (closed
// loop), or a fixed rate (open loop), which counts the wait for a free
// connection as the server's. It submits jobs, asks for the status of jobs, or
// follows jobs to their end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

var version = "dev" // set by the linker

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(settings.Main("loadtest", run))
}

// gcPercent lets a heap that holds next to nothing be collected seldom: the
// processors are for what is measured.
const gcPercent = 800

// errNothing is why a run that measured nothing fails.
var errNothing = errors.New("no request had a good answer")

// run does one test. It fails if jobs did not end, or nothing was answered.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	o := defaults()
	program := settings.Program{
		Name: "loadtest", Version: version,
		Does:  "Drives a deployment with requests and tells how it bore them.",
		Flags: o.flags,
	}
	if done, err := program.Load(&o.environment, args, environ, stdout); done || err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	t, err := newLoadTest(&o)
	if err != nil {
		return err
	}
	r, err := t.run(ctx, stderr)
	if err != nil {
		return err
	}
	if err := r.write(&o, stdout); err != nil {
		return err
	}
	return r.verdict()
}

// verdict gives an error for a run that a script should not go on from.
func (r *report) verdict() error {
	if r.Requests == r.Errors {
		return errNothing
	}
	if r.Jobs != nil && r.Jobs.Unfinished > 0 {
		return fmt.Errorf("%d jobs were not seen to end", r.Jobs.Unfinished)
	}
	return nil
}
