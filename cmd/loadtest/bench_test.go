package main

import (
	"bufio"
	"io"
	"net"
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

func answerAll(c net.Conn, request int, answer string) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
		}
		if _, err := r.Discard(request); err != nil {
			return
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nLocation: http://127.0.0.1/api/RequestStatus/x\r\nRetry-After: 1\r\n\r\n{}"

func BenchmarkCallers(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(map[int]string{1: "1", 64: "64"}[n], func(b *testing.B) {
			o := defaults()
			o.connections = n
			o.url = canned(b, o.size, accepted)
			o.count = int64(b.N)
			o.duration = time.Hour
			o.quiet = true
			l, err := newLoadTest(&o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			r, err := l.run(b.Context(), io.Discard)
			if err != nil || r.Requests != int64(b.N) {
				b.Fatal(err)
			}
		})
	}
}
