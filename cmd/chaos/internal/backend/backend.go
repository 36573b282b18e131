// Package backend is the slow HTTP service behind the operations of a chaos
// run. What it answers tells for which payload and by which run it was made,
// so that results which were mixed up, mixed together or cut are found out.
package backend

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Backend answers POST /work. Its query parameters are duration, how long it
// takes; failures, how often a job fails before it succeeds; refuse, the
// status to fail with for good; and size, about how many bytes to answer.
type Backend struct {
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	tries map[string]int // by job
}

// Start serves on a free port until Close.
func Start() (*Backend, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &Backend{listener: listener, tries: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /work", b.work)
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	b.serving.Go(func() { _ = b.server.Serve(listener) })
	return b, nil
}

// URL is where the work is done.
func (b *Backend) URL() string { return "http://" + b.listener.Addr().String() + "/work" }

// Close ends all work.
func (b *Backend) Close() error {
	err := b.server.Close()
	b.serving.Wait()
	return err
}

func (b *Backend) work(w http.ResponseWriter, r *http.Request) {
	digest := sha256.New()
	if _, err := io.Copy(digest, r.Body); err != nil {
		return // whoever asked is gone
	}
	query := r.URL.Query()
	duration, _ := time.ParseDuration(query.Get("duration"))
	failures, _ := strconv.Atoi(query.Get("failures"))
	refuse, _ := strconv.Atoi(query.Get("refuse"))
	size, _ := strconv.Atoi(query.Get("size"))
	select {
	case <-time.After(duration):
	case <-r.Context().Done():
		return
	}
	switch {
	case refuse != 0:
		http.Error(w, "refused as asked", refuse)
	case b.again(r.Header.Get("RequestGUID")) <= failures:
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	default:
		_ = Write(w, hex.EncodeToString(digest.Sum(nil)), r.Header.Get("RequestAttempt"), size)
	}
}

// again counts the tries at a job.
func (b *Backend) again(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries[id]++
	return b.tries[id]
}

// end is the last line of a result.
const end = "end\n"

// Write writes a result of about size bytes: lines that all tell what it was
// made of and by whom, and a last one.
func Write(w io.Writer, payload, attempt string, size int) error {
	line := fmt.Sprintf("result of %s by attempt %s run %s\n", payload, attempt, rand.Text())
	out := bufio.NewWriter(w)
	for n := 0; n == 0 || n < size; n += len(line) {
		out.WriteString(line)
	}
	out.WriteString(end)
	return out.Flush()
}

// Result is what a result says of itself.
type Result struct{ Payload, Attempt, Run string }

// Read reads what Write wrote, all of it.
func Read(content []byte) (Result, error) {
	lines, ended := bytes.CutSuffix(content, []byte(end))
	first, _, whole := bytes.Cut(lines, []byte("\n"))
	if !ended || !whole {
		return Result{}, errors.New("the result is cut")
	}
	var r Result
	if _, err := fmt.Sscanf(string(first), "result of %s by attempt %s run %s", &r.Payload, &r.Attempt, &r.Run); err != nil {
		return Result{}, fmt.Errorf("the result is not one of the backend: %.80q", first)
	}
	line := lines[:len(first)+1]
	if !bytes.Equal(lines, bytes.Repeat(line, len(lines)/len(line))) {
		return r, errors.New("the result is mixed")
	}
	return r, nil
}
