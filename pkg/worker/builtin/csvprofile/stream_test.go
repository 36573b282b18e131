package csvprofile_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncreply/asyncreply/pkg/worker/builtin/csvprofile"
)

// An error of the reader is given, at the beginning and later on.
func TestReadError(t *testing.T) {
	broken := errors.New("storage is gone")
	for _, n := range []int{0, 10, 100_000, 1_000_000} {
		r := io.MultiReader(bytes.NewReader(orders(n)[:n]), iotest.ErrReader(broken))
		if _, err := csvprofile.Profile(r, csvprofile.Options{}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// However the bytes come, the profile is the same.
func TestChunksDoNotMatter(t *testing.T) {
	text := orders(600_000)
	want := profile(t, string(text), csvprofile.Options{})
	for _, r := range []io.Reader{iotest.OneByteReader(bytes.NewReader(text)), iotest.DataErrReader(bytes.NewReader(text)), iotest.HalfReader(bytes.NewReader(text))} {
		got, err := csvprofile.Profile(r, csvprofile.Options{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

// Memory is bounded whatever is in the file: one endless field, one endless
// row, or ever new values in many columns.
func TestBoundedMemory(t *testing.T) {
	const size = 6 << 20
	for name, block := range map[string]string{
		"open quote":    "\"all the rest\n",
		"one line":      "words without end ",
		"one row":       "1,2,3,",
		"values":        "1.5,abc,2026-01-01\n",
		"a long header": ",\"\"",
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		peak := uint64(0)
		report, err := csvprofile.Profile(&endless{block: []byte(block), left: size}, csvprofile.Options{OnRead: func(read int64) {
			if read%(2<<20) < 300<<10 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
			}
		}})
		if err != nil || report.Bytes != size {
			t.Errorf("%s: %v", name, err)
		}
		if peak > size/2 {
			t.Errorf("%s: %d bytes of heap", name, peak)
		}
	}
}

// endless reads a block over and over.
type endless struct {
	block []byte
	left  int
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && e.left > 0 {
		c := copy(p[n:min(len(p), n+e.left)], e.block[e.at:])
		n, e.left, e.at = n+c, e.left-c, (e.at+c)%len(e.block)
	}
	return n, nil
}
