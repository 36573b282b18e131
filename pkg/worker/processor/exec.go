package processor

import (
	"context"
	"os"
	"os/exec"
	"time"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// DefaultGrace is how long a program may take to end, see [ExecOptions].
const DefaultGrace = 5 * time.Second

// ExecOptions are options of [Exec].
type ExecOptions struct {
	// Grace is how long a program that is told to end may take before it is
	// killed, and how long what it started may keep its output open after it
	// ended. Default: [DefaultGrace].
	Grace time.Duration

	// Environ is the environment that PATH, HOME, LANG, LC_ALL, TMPDIR and TZ
	// are taken from, as [os.Environ] gives it, which is the default. Nothing
	// else of it reaches the program.
	Environ []string
}

// Exec makes a handler that runs a program without a shell: the payload is
// its standard input, its standard output the result. Lines on its standard
// error go to the log, lines on file descriptor 3 report progress.
//
// Exit status 0 is success; 69, 71, 74 and 75 of sysexits(3) and death by a
// signal are retried; any other status fails the job for good, with
// [job.CodeInvalidPayload] for 65.
//
// A program runs in a session of its own. When the job is given up, the whole
// session is sent SIGTERM and, after a grace period, SIGKILL; when the program
// ends by itself, what it started is killed. It needs a Unix system: elsewhere
// every job fails with an error that says so.
func Exec(config operation.Exec, options *ExecOptions) worker.Handler {
	h := &execHandler{config: config, grace: DefaultGrace}
	if options != nil && options.Grace > 0 {
		h.grace = options.Grace
	}
	environ := os.Environ()
	if options != nil && options.Environ != nil {
		environ = options.Environ
	}
	h.base = baseEnvironment(environ)
	return h
}

type execHandler struct {
	config operation.Exec
	base   map[string]string
	grace  time.Duration
}

// Handle implements [worker.Handler].
func (h *execHandler) Handle(ctx context.Context, j *worker.Job) error {
	environment, err := h.environment(j)
	if err != nil {
		return err
	}
	cmd := exec.Command(h.config.Command[0], h.config.Command[1:]...)
	cmd.Dir, cmd.Env = h.config.Dir, environment
	if h.config.FileName != "" {
		j.SetFileName(h.config.FileName)
	}
	p := &program{cmd: cmd, job: j, result: j.Result(h.config.ContentType), grace: h.grace}
	return p.run(ctx)
}
