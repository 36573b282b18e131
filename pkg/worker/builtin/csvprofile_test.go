package builtin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// numbers makes a CSV of n rows.
func numbers(n int) []byte {
	var b bytes.Buffer
	b.WriteString("id,word\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,word %d\n", i, i%7)
	}
	return b.Bytes()
}

// The profile comes as JSON under a name of its own, and progress grows with
// what was read, up to all of it.
func TestCSVProfile(t *testing.T) {
	payload := numbers(100_000)
	o := workertest.Run(t.Context(), builtin.CSVProfile(), workertest.Request{Payload: payload})
	if o.Err != nil || o.ContentType != "application/json" || o.FileName != "profile.json" {
		t.Fatalf("%v, %s, %s", o.Err, o.ContentType, o.FileName)
	}
	report := decode(t, o.Result)
	id := report["columns"].([]any)[0].(map[string]any)
	if report["rows"] != 100_000.0 || report["bytes"] != float64(len(payload)) || id["type"] != "integer" || id["max"] != 99_999.0 {
		t.Errorf("%.300s", o.Result)
	}
	last := 0.0
	for _, p := range o.Progress {
		if p.Percent < last {
			t.Errorf("progress went back to %g", p.Percent)
		}
		last = p.Percent
	}
	if len(o.Progress) < 4 || last != 100 || o.Progress[len(o.Progress)-1].Message != "read 1.3 of 1.3 MB" {
		t.Errorf("progress %v", o.Progress)
	}
}

// The parameters say what the file cannot.
func TestCSVProfileParameters(t *testing.T) {
	for query, want := range map[string]string{
		"":                            `"delimiter": ",", "header": true, "rows": 1, "name": "1"`,
		"header=false&delimiter=bar":  `"delimiter": "|", "header": false, "rows": 2, "name": "column1"`,
		"header=true&delimiter=comma": `"delimiter": ",", "header": true, "rows": 1, "name": "1"`,
		"header=false&delimiter=tab":  `"delimiter": "\t", "header": false, "rows": 2, "name": "column1"`,
		"delimiter=semicolon":         `"delimiter": ";", "header": true, "rows": 1, "name": "1,2"`,
	} {
		o := workertest.Run(t.Context(), builtin.CSVProfile(), workertest.Request{Payload: []byte("1,2\n3,4\n"), Query: query})
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		for _, part := range strings.Split(want, `, "`) {
			if part = `"` + strings.TrimPrefix(part, `"`); !strings.Contains(string(o.Result), part) {
				t.Errorf("%s: no %s in %s", query, part, o.Result)
			}
		}
	}
	for _, query := range []string{"delimiter=,", "header=yes"} {
		o := workertest.Run(t.Context(), builtin.CSVProfile(), workertest.Request{Query: query})
		expectUnfit(t, o, job.CodeInvalidParameter, "The parameter")
	}
}

// A spreadsheet is no CSV file; a payload that breaks off is retried.
func TestCSVProfileRefuses(t *testing.T) {
	o := workertest.Run(t.Context(), builtin.CSVProfile(), workertest.Request{Payload: []byte("PK\x03\x04\x00")})
	expectUnfit(t, o, job.CodeInvalidPayload, "not a CSV file in UTF-8")
	broken := errors.New("storage is gone")
	o = workertest.Run(t.Context(), builtin.CSVProfile(), workertest.Request{
		Stream: io.MultiReader(bytes.NewReader(numbers(50_000)), iotest.ErrReader(broken))})
	if !errors.Is(o.Err, broken) || o.Verdict.Permanent || len(o.Result) > 0 {
		t.Errorf("%v", o.Err)
	}
}

// Given up in the middle of a file, it stops reading.
func TestCSVProfileCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	rest := &canceling{cancel: cancel, text: bytes.NewReader(numbers(200_000))}
	o := workertest.Run(ctx, builtin.CSVProfile(), workertest.Request{Stream: rest})
	if !errors.Is(o.Err, job.ErrCanceled) || rest.text.Len() == 0 {
		t.Errorf("%v with %d bytes unread", o.Err, rest.text.Len())
	}
}

// canceling gives the job up after the first read.
type canceling struct {
	cancel context.CancelCauseFunc
	text   *bytes.Reader
}

func (c *canceling) Read(p []byte) (int, error) {
	defer c.cancel(job.ErrCanceled)
	return c.text.Read(p)
}
