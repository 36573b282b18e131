package main

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// canned is a server that reads requests of one size and sends the same answer
// again and again, at next to no cost, so that what is measured is the caller.
func canned(b *testing.B, request int, answer string) (url string) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { answerAll(c, request, answer) })
		}
	})
	b.Cleanup(func() {
		listener.Close()
		connections.Wait()
	})
	return "http://" + listener.Addr().String()
}

func answerAll(c net.Conn, request int, text string) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	answer := []byte(text)
	for skipHeader(r) == nil {
		if _, err := r.Discard(request); err != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// skipHeader reads up to the empty line.
func skipHeader(r *bufio.Reader) error {
	for {
		if line, err := r.ReadSlice('\n'); err != nil || len(line) <= 2 {
			return err
		}
	}
}

// accepted is what the canned server answers.
const accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nLocation: http://127.0.0.1/api/RequestStatus/x\r\nRetry-After: 1\r\n\r\n{}"

// BenchmarkCallers tells what a request costs the load generator, the canned
// server included, which allocates nothing.
func BenchmarkCallers(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			o := defaults()
			o.connections, o.count, o.duration, o.quiet = n, int64(b.N), time.Hour, true
			o.url = canned(b, o.size, accepted)
			l, err := newLoadTest(&o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if r, err := l.run(b.Context(), io.Discard); err != nil || r.Requests != o.count {
				b.Fatal(r, err)
			}
		})
	}
}

// BenchmarkLateness tells how late what waits for a point in time wakes: the
// schedule of a rate, and Go's sleep beside it.
func BenchmarkLateness(b *testing.B) {
	a, err := newAlarm()
	if err != nil {
		b.Fatal(err)
	}
	defer a.close()
	for name, wait := range map[string]func(due time.Time){
		"alarm": func(due time.Time) { a.wait(b.Context(), due) },
		"sleep": func(due time.Time) { time.Sleep(time.Until(due)) },
	} {
		b.Run(name, func(b *testing.B) {
			var late []time.Duration
			for b.Loop() {
				due := time.Now().Add(1700 * time.Microsecond)
				wait(due)
				late = append(late, time.Since(due))
			}
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Microseconds()), "µs-late-p50")
			b.ReportMetric(float64(late[len(late)*9/10].Microseconds()), "µs-late-p90")
		})
	}
}
