package azure

import (
	"net/http"
	"sync/atomic"
	"time"
)

// sameTime is how far two clocks may differ without being corrected: the Date
// of an answer has whole seconds, and the answer takes its time.
const sameTime = 5 * time.Second

// clock tells the time of storage, from the Date of its answers (RFC 9110,
// section 6.6.1). Before the first answer it is this machine's.
type clock struct{ offset atomic.Int64 } // what to add to this machine's time, in nanoseconds

// observe takes the Date of an answer that came at now.
func (c *clock) observe(header http.Header, now time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	offset := date.Sub(now)
	if offset.Abs() < sameTime {
		offset = 0
	}
	c.offset.Store(int64(offset))
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Now gives the time as storage has it, which is what decides when a signed URL
// begins and ends: this machine's clock may be wrong by minutes.
func (c *Clients) Now() time.Time { return c.transport.clock.now() }
