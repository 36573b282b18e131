package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
	"github.com/asyncreply/asyncreply/pkg/job"
)

func (p *program) watch(ctx context.Context, args []string) error {
	j, err := p.job(args[0])
	if err != nil {
		return err
	}
	return p.finish(ctx, j, p.options.out != "")
}

// finish follows a job to its end and writes its result, if it is wanted. With
// --json the result goes to a file only: standard output has the statuses, the
// last of which says what the result is.
func (p *program) finish(ctx context.Context, j *client.Job, wanted bool) error {
	var unwritten error
	last, err := j.Wait(ctx, &client.WaitOptions{Progress: func(s *client.Status) {
		p.bar.show(s)
		if p.options.json && !(s.State == job.StatusSucceeded && wanted && p.options.out != "") {
			unwritten = p.writeJSON(s)
		}
	}})
	switch {
	case err != nil:
		return lost(j, err)
	case unwritten != nil:
		return unwritten
	case !wanted || p.options.json && p.options.out == "":
		p.bar.stop()
		if p.options.json {
			return nil
		}
		_, err = fmt.Fprintln(p.stdout, last.State)
		return err
	}
	return p.fetch(ctx, j, last)
}

func (p *program) status(ctx context.Context, args []string) error {
	j, err := p.job(args[0])
	if err != nil {
		return err
	}
	s, err := j.Status(ctx)
	if err != nil {
		return err
	}
	return p.print(s)
}

func (p *program) cancel(ctx context.Context, args []string) error {
	j, err := p.job(args[0])
	if err != nil {
		return err
	}
	s, err := j.Cancel(ctx)
	if err != nil {
		return err
	}
	return p.print(s)
}

func (p *program) writeJSON(value any) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// print tells a status, one line for each thing that is known.
func (p *program) print(s *client.Status) error {
	p.bar.stop()
	if p.options.json {
		return p.writeJSON(s)
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, value)
		}
	}
	line("id", s.ID.String())
	line("status", string(s.State))
	if !s.Terminal() {
		line("progress", fmt.Sprintf("%.0f %% %s", s.PercentComplete, printable(s.Message)))
	}
	line("operation", s.Operation)
	if s.Attempt > 0 {
		line("attempt", fmt.Sprint(s.Attempt))
	}
	line("last error", failure(s.LastError))
	line("next attempt", moment(s.NextAttemptAt))
	line("error", failure(s.Failure))
	line("submitted", moment(s.SubmittedAt))
	line("started", moment(s.StartedAt))
	line("finished", moment(s.FinishedAt))
	if s.Link != nil {
		line("result", fmt.Sprintf("%s, %s", s.Link.ContentType, bytesOf(s.Link.Size)))
	}
	line("url", s.StatusURL)
	return table.Flush()
}

func failure(f *job.Failure) string {
	if f == nil {
		return ""
	}
	return printable(string(f.Code) + ": " + f.Message)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}
