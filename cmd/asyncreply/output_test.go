package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
)

// TestReplace states that a file is replaced as a whole or stays as it was,
// and that nothing else is left.
func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result")
	if err := replace(path, strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := replace(path, io.MultiReader(strings.NewReader("sec"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a broken download gives %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "first" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the file there is %v, %v", entries, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestFileName states that a suggested name cannot leave the folder, hide, or
// play with the terminal.
func TestFileName(t *testing.T) {
	for suggested, want := range map[string]string{
		"a.txt": "a.txt", "../../a.txt": "a.txt", `..\a.txt`: "a.txt", "C:a.txt": "a.txt", ".bashrc": "bashrc",
		"": "id", "..": "id", "a/": "id", "a\x1b[2Jb": "a[2Jb", "naïve ☕.txt": "naïve ☕.txt",
	} {
		if got := fileName(suggested, "id"); got != want {
			t.Errorf("%q is saved as %q, want %q", suggested, got, want)
		}
	}
}

// TestContentType states that a payload is sent as what it is.
func TestContentType(t *testing.T) {
	for name, test := range map[string]struct{ file, head, want string }{
		"csv":        {"a.csv", "1,2", "text/csv"},
		"upper case": {"A.JPG", "", "image/jpeg"},
		"json":       {"", "  {\"a\":1}", "application/json"},
		"list":       {"", "[1]", "application/json"},
		"png":        {"photo", "\x89PNG\r\n\x1a\n", "image/png"},
		"text":       {"README", "hello", "text/plain; charset=utf-8"},
		"bytes":      {"x", "\x00\x01", "application/octet-stream"},
	} {
		r := &client.Request{}
		describe(r, test.file, []byte(test.head))
		if r.ContentType != test.want {
			t.Errorf("%s: %s, want %s", name, r.ContentType, test.want)
		}
	}
	r := &client.Request{ContentType: "x/y"}
	if describe(r, "a.csv", nil); r.ContentType != "x/y" {
		t.Errorf("the flag does not win: %s", r.ContentType)
	}
}

// TestBar states that the bar is one line of a terminal's width, whatever a
// worker says, and that it leaves nothing behind.
func TestBar(t *testing.T) {
	for _, percent := range []float64{-5, 0, 12.5, 100, 250} {
		shown := line(percent, "Running: "+strings.Repeat("ö\x1b\n", 100), time.Minute)
		if n := len([]rune(shown)); n != lineWidth || strings.ContainsAny(shown, "\x1b\n") {
			t.Errorf("%d characters: %q", n, shown)
		}
	}
	if got, want := line(50, "Running", 62*time.Second), "[############............]  50 %   1m2s  Running"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	screen := make(screen, 100)
	b := startBar(screen, false)
	b.show(&client.Status{State: "Running", PercentComplete: 50, Message: "halfway", Attempt: 2})
	for drawn := range screen {
		if strings.Contains(drawn, "Running: halfway (attempt 2)") {
			break
		}
	}
	b.retrying(errors.New("no luck"), time.Second)
	b.stop()
	b.stop()
	close(screen)
	var last string
	for last = range screen {
	}
	if last != eraseLine {
		t.Errorf("the last thing drawn is %q", last)
	}
	var quiet bytes.Buffer
	silent := newBar(&quiet, false)
	silent.show(&client.Status{State: "Running"})
	silent.retrying(errors.New("no luck"), time.Second)
	if silent.stop(); quiet.Len() > 0 {
		t.Errorf("what is no terminal was written %q", quiet.String())
	}
}

// screen passes on what is drawn.
type screen chan string

func (s screen) Write(p []byte) (int, error) {
	s <- string(p)
	return len(p), nil
}

// TestBytesOf states that sizes are told as people say them.
func TestBytesOf(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 KB", 1_500_000: "1.5 MB", 2e15: "2000.0 TB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// TestParse states that flags may stand anywhere before --.
func TestParse(t *testing.T) {
	var o options
	c, _ := lookup("submit")
	got, err := parse(c.flagSet(&o), []string{"--wait", "a", "--param", "x=1", "-param=x=2", "--", "--json", "-"})
	if err != nil || !slices.Equal(got, []string{"a", "--json", "-"}) || !o.wait || o.json || o.parameters.Encode() != "x=1&x=2" {
		t.Errorf("arguments %q, options %+v, %v", got, o, err)
	}
}

// TestCompletion states that each shell's completion has every command and
// flag, and that bash's completes.
func TestCompletion(t *testing.T) {
	for _, shell := range shells {
		script := call(t, "completion", shell).want(t, 0, "").stdout
		for _, c := range commands() {
			for _, f := range c.flagInfos() {
				if !strings.Contains(script, c.name) || !strings.Contains(script, "-"+f.name) && !strings.Contains(script, "-l "+f.name) {
					t.Errorf("%s's completion lacks %s --%s", shell, c.name, f.name)
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(path, []byte(call(t, "completion", "bash").stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"asyncreply s":                "submit status",
		"asyncreply watch --o":        "--out",
		"asyncreply submit copy --wa": "--wait",
		"asyncreply completion ''":    "bash zsh fish",
		"asyncreply submit c":         "customer copy",
		"asyncreply submit --key ''":  "",
	} {
		const ask = `asyncreply() { printf 'customer\tx\ncopy\ty\nfail\tz\n'; }; . "$0"; COMP_WORDS=(%); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _asyncreply; echo "${COMPREPLY[*]}"`
		out, err := exec.Command("bash", "-c", strings.ReplaceAll(ask, "%", words), path).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s completes to %q, %v; want %q", words, got, err, want)
		}
	}
}

// TestInterruptible states that a stream comes through as it is, and that
// nobody waits for one that has no more to say when the program is to end.
func TestInterruptible(t *testing.T) {
	whole := strings.Repeat("0123456789", 10_000)
	text, err := io.ReadAll(&interruptible{ctx: t.Context(), source: iotest.OneByteReader(strings.NewReader(whole))})
	if err != nil || string(text) != whole {
		t.Errorf("%d bytes, %v; want %d", len(text), err, len(whole))
	}
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	var p program
	p.stdin = reader
	if _, err := p.openPayload(ctx, &client.Request{}, []string{"-"}); exitStatus(err) != exitInterrupted {
		t.Errorf("standard input that says nothing gives %v", err)
	}
}
