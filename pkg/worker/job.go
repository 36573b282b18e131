package worker

import (
	"errors"
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Job is one attempt at a job, as its handler sees it. Progress may be called
// from several goroutines at once; the other methods, the payload's reader and
// the result's writer are for one at a time. After the handler has returned,
// nothing more is taken.
type Job struct {
	ID          job.ID
	Operation   string
	Attempt     int    // 1 for the first; take-overs after a crash count
	Owner       string // who submitted it; "" where callers are not authenticated
	StatusURL   string
	SubmittedAt time.Time
	Parameters  url.Values // the operation's parameters, from the request's query string
	RawQuery    string     // the same, as received
	ContentType string     // of the payload
	Size        int64      // of the payload, in bytes
	TraceParent string     // W3C Trace Context
	TraceState  string
	Logger      *slog.Logger // names the job on every line

	io       IO
	payload  io.Reader
	fileName string
	resulted bool
}

// IO is where a [Job] gets its payload from and leaves what it makes. The
// worker gives every attempt its own; package workertest has one in memory.
type IO interface {
	// Payload gives the payload from its start. What it has to open it opens
	// on the first Read.
	Payload() io.Reader
	// Progress reports how far the handler is.
	Progress(percent float64, message string)
	// Result begins the result.
	Result(contentType, fileName string) io.Writer
}

// NewJob makes the job that m asks for. It is for those who run handlers
// outside a [Worker]; package workertest does so in tests.
func NewJob(m *job.Message, attempt int, logger *slog.Logger, io IO) *Job {
	parameters, _ := url.ParseQuery(m.Query)
	return &Job{
		ID: m.ID, Operation: m.Operation, Attempt: attempt, Owner: m.Owner,
		StatusURL: m.StatusURL, SubmittedAt: m.SubmittedAt,
		Parameters: parameters, RawQuery: m.Query,
		ContentType: m.ContentType, Size: m.Size(),
		TraceParent: m.TraceParent, TraceState: m.TraceState,
		Logger: logger, io: io, payload: io.Payload(),
	}
}

// Payload gives the payload as a stream. It is opened on the first Read, and
// every call gives the same stream.
func (j *Job) Payload() io.Reader { return j.payload }

// Progress tells callers how far the job is: a percentage from 0 to 100 and a
// word about it, either of which may be left zero. It is cheap: the latest
// report is written with the worker's next heartbeat.
func (j *Job) Progress(percent float64, message string) {
	j.io.Progress(min(max(percent, 0), 100), message)
}

// SetFileName suggests a file name to those who download the result. It is to
// be called before [Job.Result].
func (j *Job) SetFileName(name string) { j.fileName = name }

// Result begins the job's result and gives the writer for its content, which
// streams to storage. A handler calls it once; the writer of a second call
// refuses everything. A job whose handler never calls it has an empty result.
func (j *Job) Result(contentType string) io.Writer {
	if j.resulted {
		return failingWriter{errors.New("the handler began a second result")}
	}
	j.resulted = true
	return j.io.Result(contentType, j.fileName)
}

// failingWriter refuses every write.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, Permanent(w.err) }
