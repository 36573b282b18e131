package operation_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asyncreply/asyncreply/pkg/operation"
)

// parse reads a file that has to be right.
func parse(t *testing.T, text string) *operation.Set {
	t.Helper()
	set, err := operation.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// parseOne reads the one operation "a" with the given lines.
func parseOne(t *testing.T, lines ...string) *operation.Operation {
	t.Helper()
	text := "operations:\n  a:\n"
	if !strings.Contains(strings.Join(lines, ""), "processor:") {
		text += "    processor: {go: x}\n"
	}
	for _, line := range lines {
		text += "    " + line + "\n"
	}
	o, ok := parse(t, text).Lookup("a")
	if !ok {
		t.Fatal("operation a is not in the set")
	}
	return o
}

// What the file leaves out has its documented default.
func TestDefaults(t *testing.T) {
	want := &operation.Operation{
		Name: "a", MaxPayload: 100 << 20,
		QueueTimeout: 24 * time.Hour, AttemptTimeout: time.Hour, Deadline: 48 * time.Hour,
		Retry:     operation.Retry{Attempts: 3, Backoff: time.Second, MaxBackoff: 5 * time.Minute},
		Processor: operation.Processor{Go: "x"},
	}
	if diff := cmp.Diff(want, parseOne(t), cmpopts.IgnoreUnexported(operation.Operation{})); diff != "" {
		t.Error(diff)
	}
}

// Every key of the file lands in its field.
func TestEveryKey(t *testing.T) {
	got := parseOne(t,
		"description: Does it.",
		"contentTypes: [text/csv, image/*]",
		"maxPayload: 3 MB",
		"queueTimeout: 1h30m",
		"attemptTimeout: 2m",
		"deadline: 3h",
		"retry: {attempts: 7, backoff: 2s, maxBackoff: 9s}",
		"processor:",
		"  exec:",
		"    command: [convert, -]",
		"    dir: /tmp",
		"    env: {A: b}",
		"    contentType: image/png",
		"    fileName: out.png",
	)
	want := &operation.Operation{
		Name: "a", Description: "Does it.", ContentTypes: []string{"text/csv", "image/*"}, MaxPayload: 3 << 20,
		QueueTimeout: 90 * time.Minute, AttemptTimeout: 2 * time.Minute, Deadline: 3 * time.Hour,
		Retry: operation.Retry{Attempts: 7, Backoff: 2 * time.Second, MaxBackoff: 9 * time.Second},
		Processor: operation.Processor{Exec: &operation.Exec{
			Command: []string{"convert", "-"}, Dir: "/tmp", Env: map[string]string{"A": "b"},
			ContentType: "image/png", FileName: "out.png",
		}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(operation.Operation{})); diff != "" {
		t.Error(diff)
	}
}

// A derived default follows what the file does say.
func TestDerivedDefaults(t *testing.T) {
	if o := parseOne(t, "schema: {type: object}"); o.MaxPayload != operation.DefaultMaxSchemaPayload {
		t.Errorf("with a schema maxPayload is %d", o.MaxPayload)
	}
	if o := parseOne(t, "retry: {backoff: 10m}"); o.Retry.MaxBackoff != 10*time.Minute {
		t.Errorf("maxBackoff is %s with a backoff of 10m", o.Retry.MaxBackoff)
	}
	if o := parseOne(t, "processor: {http: {url: 'http://h/x'}}"); o.Processor.HTTP.Method != "POST" {
		t.Errorf("method is %q", o.Processor.HTTP.Method)
	}
	if o := parseOne(t, "processor: {exec: {command: [x]}}"); o.Processor.Exec.ContentType != "application/octet-stream" {
		t.Errorf("content type is %q", o.Processor.Exec.ContentType)
	}
}

// Every mistake is one line that says where it is, which key, and what to
// write instead.
func TestMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "no operations; name at least one under operations"},
		{"none", "operations:\n", "no operations; name at least one under operations"},
		{"not YAML", "operations:\n  a: [\n", "line 2: sequence end token ']' not found"},
		{"not a mapping", "- a\n", "line 1: is a list, not a mapping"},
		{"two documents", "operations:\n  a: {processor: {go: x}}\n---\na: b\n", "line 4: a second YAML document; put all operations into one"},
		{"duplicate", "operations:\n  a:\n    processor: {go: x}\n  a:\n    processor: {go: x}\n", `line 4: mapping key "a" already defined at [2:3]`},
		{"name", "operations:\n  Thumb_Nail:\n    processor: {go: x}\n", "line 2: operations.Thumb_Nail: a name is lower-case letters"},
		{"unknown key", one("timeout: 5s"), "line 3: operations.a.timeout: is not a known key"},
		{"unknown nested key", one("retry: {tries: 5}"), "line 3: operations.a.retry.tries: is not a known key"},
		{"wrong kind", one("retry: 5"), "line 3: operations.a.retry: is a whole number, not a mapping"},
		{"wrong scalar", one("retry: {attempts: many}"), "line 3: operations.a.retry.attempts: is a string, not a whole number"},
		{"duration without unit", one("queueTimeout: 30"), "line 3: operations.a.queueTimeout: 30 has no unit; write for example 30s, 30m or 30h"},
		{"not a duration", one("deadline: soon"), `line 3: operations.a.deadline: "soon" is not a duration such as 30s`},
		{"zero duration", one("attemptTimeout: 0s"), "line 3: operations.a.attemptTimeout: 0s is not above zero"},
		{"no attempts", one("retry: {attempts: 0}"), "line 3: operations.a.retry.attempts: 0 is not between 1 and 100"},
		{"backoff above its maximum", one("retry: {backoff: 5m, maxBackoff: 1m}"), "line 3: operations.a.retry.maxBackoff: 1m0s is below backoff, 5m0s"},
		{"not a size", one("maxPayload: big"), `line 3: operations.a.maxPayload: "big" is not a size above zero, such as 512KB`},
		{"size overflow", one("maxPayload: 9999999999GB"), `line 3: operations.a.maxPayload: "9999999999GB" is not a size`},
		{"schema payload", one("maxPayload: 17MB", "schema: {}"), "line 3: operations.a.maxPayload: 17MB is above 16MB, the limit with a schema"},
		{"content type", one("contentTypes: [image]"), `line 3: operations.a.contentTypes: "image" is not a media type`},
		{"content type parameter", one("contentTypes: ['text/csv; a=b']"), `"text/csv; a=b" is not a media type`},
		{"schema", one("schema: {type: objekt}"), "line 3: operations.a.schema: is not a JSON Schema: /type value must be one of"},
		{"schema reference", one("schema: {$ref: 'file:///etc/hostname'}"), `line 3: operations.a.schema: failing loading "file:///etc/hostname"`},
		{"parameter type", one("parameters: {w: {type: array}}"), `line 3: operations.a.parameters.w: type "array" is not string, integer, number or boolean`},
		{"parameter schema", one("parameters: {w: 5}"), "line 3: operations.a.parameters.w: is not a JSON Schema object"},
		{"parameter required", one("parameters: {w: {required: [w]}}"), "line 3: operations.a.parameters.w: required is not true or false"},
		{"parameter default", one("parameters: {w: {type: integer, minimum: 3, default: 2}}"), "line 3: operations.a.parameters.w: default minimum: got 2, want 3"},
		{"no processor", "operations:\n  a:\n    deadline: 1h\n", "line 2: operations.a.processor: needs exactly one of go, http, exec"},
		{"two processors", "operations:\n  a:\n    processor:\n      go: x\n      exec: {command: [x]}\n", "line 3: operations.a.processor: needs exactly one of go, http, exec"},
		{"relative URL", processor("http: {url: /x}"), `line 3: operations.a.processor.http.url: "/x" is not an absolute http or https URL`},
		{"other scheme", processor("http: {url: 'ftp://h/x'}"), "is not an absolute http or https URL"},
		{"method", processor("http: {url: 'http://h', method: 'P ST'}"), `line 3: operations.a.processor.http.method: "P ST" is not an HTTP method`},
		{"header name", processor("http: {url: 'http://h', headers: {'a b': c}}"), `operations.a.processor.http.headers: "a b" is not a header name`},
		{"header of the worker", processor("http: {url: 'http://h', headers: {RequestGUID: c}}"), "RequestGUID is set by the worker itself"},
		{"header value", processor(`http: {url: 'http://h', headers: {a: "b\r\nc: d"}}`), "the value of a is not one line"},
		{"no command", processor("exec: {command: []}"), "line 3: operations.a.processor.exec.command: is empty"},
		{"variable", processor("exec: {command: [x], env: {'A=B': c}}"), `operations.a.processor.exec.env: "A=B" is not a variable`},
		{"file name", processor("exec: {command: [x], fileName: ../x}"), `operations.a.processor.exec.fileName: "../x" is not a plain file name`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := operation.Parse(strings.NewReader(test.text))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

// one is a file whose third line begins the given lines.
func one(lines ...string) string {
	return "operations:\n  a:\n    " + strings.Join(append(lines, "processor: {go: x}"), "\n    ") + "\n"
}

func processor(text string) string {
	return "operations:\n  a:\n    processor: {" + text + "}\n"
}

// An anchor saves repeating what several operations share.
func TestAnchors(t *testing.T) {
	set := parse(t, `
operations:
  a:
    retry: &often {attempts: 9}
    processor: {go: x}
  b:
    retry: *often
    queueTimeout: 30h
    processor: {go: x}
`)
	if b, _ := set.Lookup("b"); b.Retry.Attempts != 9 {
		t.Errorf("b has %d attempts", b.Retry.Attempts)
	}
	if got := set.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("names are %v", got)
	}
	if got := set.LongestQueueTimeout(); got != 30*time.Hour {
		t.Errorf("longest queue timeout is %s", got)
	}
	if _, ok := set.Lookup("c"); ok {
		t.Error("found an operation that is not in the file")
	}
}

// JSON is YAML: the file may be either.
func TestJSONFile(t *testing.T) {
	set := parse(t, `{"operations": {"a": {"processor": {"go": "x"}, "parameters": {"w": {"type": "integer", "default": 3}}}}}`)
	a, _ := set.Lookup("a")
	if got, err := a.ValidateQuery(""); got != "w=3" || err != nil {
		t.Errorf("query is %q, %v", got, err)
	}
}

// Load names the file in its errors.
func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "operations.yaml")
	if _, err := operation.Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if err := os.WriteFile(path, []byte(one("deadline: 5")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := operation.Load(path); err == nil || !strings.Contains(err.Error(), path+": line 3: operations.a.deadline") {
		t.Errorf("wrong file: %v", err)
	}
	if err := os.WriteFile(path, []byte(one()), 0o600); err != nil {
		t.Fatal(err)
	}
	if set, err := operation.Load(path); err != nil || len(set.Names()) != 1 {
		t.Errorf("right file: %v", err)
	}
}

// A file that cannot be read to its end is not taken for a shorter one.
func TestReadError(t *testing.T) {
	broken := errors.New("disk is gone")
	r := iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader([]byte(one()))))
	if _, err := operation.Parse(r); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if _, err := operation.Parse(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// No file, however broken, does more than give an error of one line, and
// what it gives has limits above zero.
func FuzzParse(f *testing.F) {
	f.Add(one("retry: {attempts: 2}", "parameters: {w: {type: integer, default: 1}}"))
	f.Add(processor("http: {url: 'http://h', headers: {a: b}}"))
	f.Add("operations: {a: &x {processor: *x}}")
	f.Add("operations:\n  a: [\n")
	f.Add("? a\n: - b\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := operation.Parse(strings.NewReader(text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %s", err)
			}
			return
		}
		for _, name := range set.Names() {
			o, _ := set.Lookup(name)
			if o.MaxPayload <= 0 || o.QueueTimeout <= 0 || o.AttemptTimeout <= 0 || o.Deadline <= 0 || o.Retry.Attempts <= 0 {
				t.Errorf("%+v", o)
			}
		}
	})
}
