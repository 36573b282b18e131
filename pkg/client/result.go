package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Link gives where the result of a job that succeeded is, with a fresh valet
// key: a URL that works for everybody who has it, for some minutes. Of a job
// that has not ended it gives an error of [IsNotFinished], of one that failed how.
func (j *Job) Link(ctx context.Context) (*Link, error) {
	response, err := j.ask(ctx, &call{method: http.MethodGet, url: j.resource("result", "json")})
	if err != nil {
		return nil, fmt.Errorf("result of job %s: %w", j.id, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, j.problem(response)
	}
	return decodeLink(response)
}

// Result opens the result of a job that succeeded, to be read until ctx ends
// and then closed. It does not wait; its errors are those of [Job.Link], and
// those of storage.
func (j *Job) Result(ctx context.Context) (*Result, error) {
	link, err := j.Link(ctx)
	if err != nil {
		return nil, err
	}
	return j.open(ctx, link)
}

func (j *Job) open(ctx context.Context, link *Link) (*Result, error) {
	r := &Result{Link: *link, download: newDownload(ctx, j, link)}
	if err := r.download.open(); err != nil {
		return nil, fmt.Errorf("result of job %s: %w", j.id, err)
	}
	return r, nil
}

// Result is the result of a job, as a stream that is read once, by one
// goroutine at a time.
type Result struct {
	Link
	download *download
}

var _ io.ReadCloser = (*Result)(nil)

// Read implements [io.Reader]. It gives [io.EOF] only if all that it gave is
// what the worker wrote, and [ErrCorrupt] if not. Broken connections are taken
// up again where they broke.
func (r *Result) Read(p []byte) (int, error) { return r.download.Read(p) }

// Close ends the download.
func (r *Result) Close() error { return r.download.Close() }

// JSON decodes the result into value and closes it.
func (r *Result) JSON(value any) error {
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("client: the result, %s, is not the JSON that was expected: %w", r.ContentType, err)
	}
	return nil
}
