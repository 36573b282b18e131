package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

// photo is a JPEG large enough to need a claim check.
func photo(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 1600, 1200))
	for i := range img.Pix {
		img.Pix[i] = byte(i * i >> 7)
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	if b.Len() < 300<<10 {
		t.Fatalf("the photo has %d bytes only", b.Len())
	}
	return b.Bytes()
}

// TestWholeRoad keeps the promise of `make run`: each shipped operation goes
// through a 202, polling, a 302 and a SAS URL, and SIGTERM leaves no process.
func TestWholeRoad(t *testing.T) {
	r := startLocal(t)

	t.Run("customer", func(t *testing.T) {
		content, _ := r.result(r.post("/api/customer", "application/json",
			strings.NewReader(`{"id":"1","customername":"Ada"}`)), time.Minute)
		if !json.Valid(content) || !bytes.Contains(content, []byte("Ada")) {
			t.Errorf("result is %s", content)
		}
	})
	t.Run("thumbnail", func(t *testing.T) {
		content, contentType := r.result(r.post("/api/thumbnail?width=320", "image/jpeg",
			bytes.NewReader(photo(t))), time.Minute)
		thumbnail, format, err := image.DecodeConfig(bytes.NewReader(content))
		if err != nil || format != "jpeg" || thumbnail.Width != 320 || thumbnail.Height != 240 {
			t.Errorf("result is a %s of %d × %d, %v; want a JPEG of 320 × 240", format, thumbnail.Width, thumbnail.Height, err)
		}
		if contentType != "image/jpeg" {
			t.Errorf("result is served as %q", contentType)
		}
	})
	t.Run("csv-profile of 120 MB", func(t *testing.T) {
		const rows = 5_000_000
		location := r.post("/api/csv-profile", "text/csv", csvOf(rows))
		response, progress := r.await(location, 2*time.Minute)
		response.Body.Close()
		if len(progress) == 0 || progress[len(progress)-1] == 0 {
			t.Errorf("polling showed no progress: %v", progress)
		}
		content, _ := r.result(location, time.Minute)
		var profile struct{ Rows int }
		if err := json.Unmarshal(content, &profile); err != nil || profile.Rows != rows {
			t.Errorf("result counts %d rows, %v; want %d", profile.Rows, err, rows)
		}
	})
	t.Run("bad payload", func(t *testing.T) {
		response, err := http.Post(r.acceptor+"/api/customer", "application/json", strings.NewReader(`{"id":""}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusBadRequest || !bytes.Contains(text, []byte("customername")) {
			t.Errorf("answer is %s: %s", response.Status, text)
		}
	})

	if err := r.stop(syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM local ended with %v", err)
	}
	for name, pid := range r.pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("%s (process %d) outlived local", name, pid)
		}
	}
}

// csvOf streams a CSV of the given number of rows of 25 bytes and more.
func csvOf(rows int) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		w := bufio.NewWriter(writer)
		fmt.Fprintln(w, "id,city,temperature")
		for i := range rows {
			fmt.Fprintf(w, "%08d,%s,%d.5\n", i, []string{"Hamburg", "Helsinki", "Barcelona"}[i%3], i%40)
		}
		w.Flush()
		writer.Close()
	}()
	return reader
}

// TestWorkerKilled keeps the promise that a job outlives its worker: killed in
// the middle of it, another one, started by hand, finishes it after the lock
// on its message ran out.
func TestWorkerKilled(t *testing.T) {
	r := startLocal(t, "--broker-config", "testdata/short-locks.json")
	location := r.post("/api/customer?duration=4s", "application/json", strings.NewReader(`{"id":"1","customername":"Ada"}`))
	r.awaitRunning(location)
	if err := syscall.Kill(r.pids["worker"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	second := exec.CommandContext(t.Context(), "sh", "-c", ". "+r.settings+" && exec "+filepath.Join(binaries, "worker"))
	second.Stderr = &testLog{t: t}
	second.Cancel = func() error { return second.Process.Signal(syscall.SIGTERM) }
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	defer second.Wait()
	defer second.Process.Signal(syscall.SIGTERM)

	content, _ := r.result(location, time.Minute)
	if !bytes.Contains(content, []byte("Ada")) {
		t.Errorf("result is %s", content)
	}
	again, _ := r.result(location, time.Minute)
	if !bytes.Equal(content, again) {
		t.Errorf("asked again, the result is %s", again)
	}
}

// awaitRunning returns when the job's status says that a worker has it.
func (r *running) awaitRunning(url string) {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		response, err := http.Get(url)
		if err != nil {
			r.t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if bytes.Contains(text, []byte(`"Running"`)) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.t.Fatalf("%s never said Running", url)
}

// TestBusyPort keeps the promise that a busy port is one clear line.
func TestBusyPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	busy := listener.Addr().String()
	cmd := exec.Command(filepath.Join(binaries, "local"), "--ports", "default", "--acceptor", busy,
		"--operations", "../../deploy/operations.yaml", "--dir", t.TempDir())
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != 1 {
		t.Errorf("exit status is %d, want 1", code)
	}
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); len(lines) != 1 || !strings.Contains(lines[0], busy) {
		t.Errorf("output is %q, want one line that names %s", out, busy)
	}
}

// TestUsage keeps the promise that a wrong setting is one line that names it.
func TestUsage(t *testing.T) {
	tests := map[string]struct {
		args, environ []string
		names         string
	}{
		"unknown flag":       {args: []string{"--prots", "free"}, names: "prots"},
		"wrong ports":        {args: []string{"--ports", "some"}, names: "ports"},
		"stray argument":     {args: []string{"now"}, names: "now"},
		"no operations file": {args: []string{"--operations", "none.yaml"}, names: "none.yaml"},
		"too many workers":   {args: []string{"--workers", "1000"}, names: "workers"},
		"wrong origin":       {args: []string{"--origins", "localhost:3000"}, names: "localhost:3000"},
		"wrong variable":     {environ: []string{"LOCAL_WORKERS=many"}, names: "LOCAL_WORKERS"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), test.args, test.environ, io.Discard, io.Discard)
			if _, ok := err.(*settings.Error); !ok || !strings.Contains(err.Error(), test.names) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line that names %s", err, test.names)
			}
		})
	}
}
