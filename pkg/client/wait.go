package client

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// DefaultHold is the default of [WaitOptions.Hold]. Load balancers often give up
// after 60 s.
const DefaultHold = 30 * time.Second

// defaultPause stands for a Retry-After that is missing.
const defaultPause = time.Second

// WaitOptions are the settings of [Job.Wait]. The zero value is usable.
type WaitOptions struct {
	// Progress, if set, is told each status that is seen, the last of which is
	// terminal. It is called in the goroutine that waits.
	Progress func(*Status)

	// Hold is how long the service is asked to hold its answer until there is
	// news, in whole seconds; default [DefaultHold], negative: not at all.
	Hold time.Duration
}

func (o *WaitOptions) withDefaults() WaitOptions {
	var filled WaitOptions
	if o != nil {
		filled = *o
	}
	if filled.Hold == 0 {
		filled.Hold = DefaultHold
	}
	filled.Hold = max(filled.Hold, 0)
	return filled
}

// Wait waits until the job has ended and gives its last status. How it failed
// is the error, a [*Problem], beside the status. When ctx ends the job goes on.
// opts may be nil.
func (j *Job) Wait(ctx context.Context, opts *WaitOptions) (*Status, error) {
	o := opts.withDefaults()
	s := &seen{again: true}
	for {
		var err error
		hold := o.holdAfter(s)
		if s, err = j.look(ctx, s.tag, hold); err != nil {
			return nil, err
		}
		if s.changed && o.Progress != nil {
			o.Progress(s.status)
		}
		switch {
		case s.status.Terminal():
			return s.status, s.status.Err()
		case o.Progress == nil:
			s.tag = "" // so that the service holds its answer until the end
		case hold < o.Hold:
			s.again = s.tag != "" // now there is a state to name
		}
		if s.again {
			continue
		}
		if err := pause(ctx, jittered(s.advised)); err != nil {
			return nil, fmt.Errorf("wait for job %s: %w", j.id, err)
		}
	}
}

// holdAfter gives how long the next answer may be held back. One who wants to
// know of each state names the last in every question but the first.
func (o *WaitOptions) holdAfter(s *seen) time.Duration {
	if o.Progress != nil && s.tag == "" {
		return 0
	}
	return o.Hold
}

// seen is what one look told.
type seen struct {
	status  *Status
	changed bool          // the state is another than the one named
	tag     string        // names the state, for the next look
	again   bool          // the next look may be at once
	advised time.Duration // before the next look, otherwise
}

// look asks for the job's status. The service may hold its answer until the
// job has ended or, where a state is named by its tag, until there is another.
func (j *Job) look(ctx context.Context, tag string, hold time.Duration) (*seen, error) {
	asked := time.Now()
	hold = hold.Truncate(time.Second)
	header := http.Header{}
	if tag != "" {
		header.Set("If-None-Match", tag)
	}
	if hold > 0 {
		header.Set("Prefer", "wait="+strconv.Itoa(int(hold/time.Second)))
	}
	q := &call{method: http.MethodGet, url: j.resource("", "json"), header: header, hold: hold}
	response, err := j.ask(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", j.id, err)
	}
	s := &seen{tag: tag, advised: defaultPause}
	if advised, ok := retryAfter(response); ok && advised > 0 {
		s.advised = advised
	}
	if s.status, err = j.read(response); err != nil {
		return nil, err
	}
	if s.changed = response.StatusCode != http.StatusNotModified; s.changed {
		s.tag = response.Header.Get("ETag")
	}
	// An answer that was held back may be asked for again at once. One that came
	// early without news is from a service that is stopping.
	held := appliedWait(response.Header)
	s.again = held > 0 && (tag != "" && s.changed || time.Since(asked) >= held/2)
	return s, nil
}

// appliedWait reads how long the service was willing to wait (RFC 7240, section
// 3), or gives 0.
func appliedWait(header http.Header) time.Duration {
	text, ok := strings.CutPrefix(header.Get("Preference-Applied"), "wait=")
	seconds, err := strconv.ParseUint(text, 10, 16)
	if !ok || err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// read tells the status from an answer.
func (j *Job) read(r *http.Response) (*Status, error) {
	before := j.lastSeen()
	switch r.StatusCode {
	case http.StatusNotModified:
		discard(r)
		return &before, nil
	case http.StatusAccepted:
		s := &Status{}
		if err := decode(r, s); err != nil {
			return nil, err
		}
		s.StatusURL = j.Token()
		return j.saw(s), nil
	case http.StatusOK:
		link, err := decodeLink(r)
		if err != nil {
			return nil, err
		}
		return j.saw(before.succeeded(link)), nil
	}
	p := j.problem(r)
	if p.Ended == "" {
		return nil, p
	}
	return j.saw(before.failed(p)), nil
}

// problem reads an answer about the job that is an error, and tells a job that
// ended badly from a request that was refused.
func (j *Job) problem(r *http.Response) *Problem {
	p := problemOf(r)
	if p.Failure == nil {
		return p
	}
	switch r.StatusCode {
	case http.StatusConflict:
		p.Ended = job.StatusCanceled
	case http.StatusUnprocessableEntity:
		p.Ended = job.StatusFailed
	}
	return p
}
