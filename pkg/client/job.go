package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// pathStatus is where the status service keeps its jobs.
const pathStatus = "/api/RequestStatus/"

// Job is a job that was accepted. It is safe for concurrent use.
type Job struct {
	client *Client
	id     job.ID
	url    *url.URL

	mu   sync.Mutex
	last Status // as seen last
}

// newJob makes the job of a status URL. What the URL asks of the status
// service by its query is for this client to choose.
func (c *Client) newJob(link *url.URL, last *Status) (*Job, error) {
	id, err := job.ParseID(path.Base(link.Path))
	if err != nil {
		return nil, fmt.Errorf("client: %s is no status URL: %w", printable(link), err)
	}
	own := *link
	query := own.Query()
	for name := range query {
		if strings.EqualFold(name, "onComplete") || strings.EqualFold(name, "onPending") {
			query.Del(name)
		}
	}
	own.RawQuery = query.Encode()
	last.ID, last.StatusURL = id, own.String()
	return &Job{client: c, id: id, url: &own, last: *last}, nil
}

// Resume gives the job that [Job.Token] was taken of, or the one with the given
// id if there is an [Options.StatusURL]. It makes no request. A token of another
// service than that is refused, since what [Options.Prepare] adds is not for
// it.
func (c *Client) Resume(token string) (*Job, error) {
	if id, err := job.ParseID(token); err == nil {
		if c.statusURL == nil {
			return nil, fmt.Errorf("client: job %s is known by its id only, which needs Options.StatusURL", id)
		}
		return c.newJob(c.statusURL.JoinPath(pathStatus, id.String()), &Status{State: Accepted})
	}
	link, err := parseAbsolute(token)
	if err != nil {
		return nil, fmt.Errorf("client: resume: %w", err)
	}
	if c.statusURL != nil && (c.statusURL.Scheme != link.Scheme || c.statusURL.Host != link.Host) {
		return nil, fmt.Errorf("client: resume: %s is not at the status service, %s", printable(link), c.statusURL)
	}
	return c.newJob(link, &Status{State: Accepted})
}

// ID gives the job's id, the RequestGUID of the pattern.
func (j *Job) ID() job.ID { return j.id }

// Token gives a string from which [Client.Resume] makes the job again, in this
// process or another. It is the job's status URL and no secret: it tells
// nothing to those who are not the job's owner.
func (j *Job) Token() string { return j.url.String() }

// Status asks once how the job stands. That it failed is no error, see
// [Status.Err].
func (j *Job) Status(ctx context.Context) (*Status, error) {
	s, err := j.look(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	return s.status, nil
}

// Cancel ends the job, unless it has ended, and gives its status: canceled, or
// how it had ended before. The worker stops it when it next reports on it.
func (j *Job) Cancel(ctx context.Context) (*Status, error) {
	response, err := j.ask(ctx, &call{method: http.MethodDelete, url: j.url})
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusAccepted {
		return nil, problemOf(response)
	}
	s := &Status{}
	if err := decode(response, s); err != nil {
		return nil, err
	}
	s.problem = s.asProblem()
	s.StatusURL = j.Token()
	return j.saw(s), nil
}

// ask sends a request about the job until it is answered. It may be sent any
// number of times.
func (j *Job) ask(ctx context.Context, q *call) (*http.Response, error) {
	return j.client.persist(ctx, func() (*http.Response, error) { return j.client.send(ctx, q) }, always)
}

// resource gives the URL of what lies below the status URL, and asks for it in
// the given way.
func (j *Job) resource(below, onComplete string) *url.URL {
	u := j.url.JoinPath(below)
	query := u.Query()
	query.Set("onComplete", onComplete)
	u.RawQuery = query.Encode()
	return u
}

// saw keeps a status and gives it back.
func (j *Job) saw(s *Status) *Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = *s
	return s
}

func (j *Job) lastSeen() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Seen gives how the job stood when it was asked about last, or was accepted.
// It makes no request.
func (j *Job) Seen() *Status {
	s := j.lastSeen()
	return &s
}
