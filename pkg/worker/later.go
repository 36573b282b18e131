package worker

import "time"

// later is work that begins when it is due, in a goroutine of its own, which
// most jobs end too soon to need.
type later struct {
	timer *time.Timer
	ended chan struct{}
}

// begin has f called when wait has passed, unless it is stopped before.
func begin(wait time.Duration, f func()) *later {
	l := &later{ended: make(chan struct{})}
	l.timer = time.AfterFunc(wait, func() {
		defer close(l.ended)
		f()
	})
	return l
}

// stop keeps the work from beginning, or waits for its end.
func (l *later) stop() {
	if !l.timer.Stop() {
		<-l.ended
	}
}
