package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Worker receives messages and does their jobs.
type Worker struct {
	options Options
	slots   chan struct{} // one token for each free slot
	ends    chan struct{} // one token for each job that is being ended beside them
}

// New makes a worker. An incomplete Options, or an operation without a
// handler, is an error that names it.
func New(opts *Options) (*Worker, error) {
	if opts == nil {
		opts = &Options{}
	}
	complete, err := opts.complete()
	if err != nil {
		return nil, err
	}
	w := &Worker{
		options: complete,
		slots:   make(chan struct{}, complete.Concurrency), ends: make(chan struct{}, max(leastEnds, complete.Concurrency)),
	}
	for range complete.Concurrency {
		w.slots <- struct{}{}
	}
	return w, nil
}

// Run works until ctx is done, or there is no queue to receive from, which
// gives an error. Then it stops gracefully: it receives no more, lets handlers
// finish for Options.SoftStop, and cancels those left with cause
// [job.ErrShutdown]; their messages are abandoned, so that another worker
// takes the jobs over. A handler that does not return even then, for
// Options.HandlerGrace, is left behind and gives an error; otherwise nothing
// of the worker is left running. Run is called once.
func (w *Worker) Run(ctx context.Context) error {
	stage := newStage(ctx)
	defer stage.close()
	var loops sync.WaitGroup
	sweeping, stopSweeping := context.WithCancel(ctx)
	if w.options.DeadLetters != nil {
		loops.Go(func() { newSweeper(w).run(sweeping) })
	}
	err := w.receive(ctx, stage)
	stopSweeping()
	if late := w.stop(stage); late != nil {
		err = late
	}
	loops.Wait()
	return err
}

// handBack is how long Run waits after messages were abandoned, before its
// caller disconnects. A receiver whose last Receive was canceled still has
// credit at the broker, so the broker may send it what it just gave back; it
// releases that at once, but not if the connection ends first. Then the message
// would stay locked until the lock's end.
const handBack = 500 * time.Millisecond

// stop ends the jobs that run: softly, then hard.
func (w *Worker) stop(stage *stage) error {
	if !idle(&stage.tasks, w.options.SoftStop) {
		w.options.Logger.Warn("canceling the handlers that outlast the soft stop", "after", w.options.SoftStop)
		stage.stopHandlers(job.ErrShutdown)
		if !idle(&stage.tasks, w.options.HandlerGrace+settleTimeout) {
			stage.stopSettling(job.ErrShutdown)
			idle(&stage.tasks, settleTimeout)
		}
		time.Sleep(handBack)
	}
	if !idle(&stage.stragglers, time.Second) {
		return fmt.Errorf("worker: handlers that did not return when their context ended: %d", w.options.Concurrency-len(w.slots))
	}
	return nil
}

// stage is what the jobs of one Run share.
type stage struct {
	tasks      sync.WaitGroup
	stragglers sync.WaitGroup // handlers that outlive their task

	handlers     context.Context // ends at the hard stop
	stopHandlers context.CancelCauseFunc
	settling     context.Context // ends when settling is given up, too
	stopSettling context.CancelCauseFunc
}

func newStage(ctx context.Context) *stage {
	s := &stage{}
	ctx = context.WithoutCancel(ctx)
	s.handlers, s.stopHandlers = context.WithCancelCause(ctx)
	s.settling, s.stopSettling = context.WithCancelCause(ctx)
	return s
}

func (s *stage) close() {
	s.stopHandlers(nil)
	s.stopSettling(nil)
}

// idle waits until a group has nothing left and reports whether that came
// about in time.
func idle(group *sync.WaitGroup, patience time.Duration) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}
