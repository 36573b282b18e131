// Package collection paces the collection of garbage in the services, which
// hold little and make much.
package collection

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
)

// What a service holds is so little that the runtime, which by default collects
// garbage when the heap has doubled but for the first 4 MB, would collect each
// 200 requests of 64 callers at a time. So it may use usualMemory in all before
// it collects, if that is not usualGrowth times more than is in use. The rest of
// 64 MB is for its own file and for what comes while it collects. When much is
// in use, as with many large payloads, it may use half as much again.
const (
	usualMemory = 40 << 20 // bytes that the runtime provides
	usualGrowth = 4
	limitStep   = 8 << 20 // bytes: to move the limit stops all goroutines for a moment
)

// pacer sets how much memory the process may use before garbage is collected,
// anew after each collection.
type pacer struct {
	limit   int64
	sample  []metrics.Sample
	stopped atomic.Bool
}

// Pace has garbage collected as this process's use of memory asks for, until
// stop is called, unless the environment says how, by GOGC or GOMEMLIMIT.
func Pace(environ []string) (stop func()) {
	if slices.ContainsFunc(environ, func(v string) bool {
		return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=")
	}) {
		return func() {}
	}
	p := &pacer{sample: []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}}
	percent := debug.SetGCPercent(100 * usualGrowth)
	p.adjust()
	p.awaitCollection()
	return func() {
		p.stopped.Store(true)
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// adjust moves the limit to what is in use now.
func (p *pacer) adjust() {
	metrics.Read(p.sample)
	inUse := int64(p.sample[0].Value.Uint64() + p.sample[1].Value.Uint64())
	limit := max(usualMemory, (inUse*3/2+limitStep-1)/limitStep*limitStep)
	if limit != p.limit {
		p.limit = limit
		debug.SetMemoryLimit(limit)
	}
}

// awaitCollection calls adjust after the next collection, which is when an
// object that nobody refers to is found, and so on.
func (p *pacer) awaitCollection() {
	runtime.SetFinalizer(&struct{ *pacer }{p}, func(*struct{ *pacer }) {
		if !p.stopped.Load() {
			p.adjust()
			p.awaitCollection()
		}
	})
}
