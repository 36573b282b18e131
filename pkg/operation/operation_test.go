package operation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// violationsOf gives the list in an error that has to have the given code.
func violationsOf(t *testing.T, err error, code job.Code) []operation.Violation {
	t.Helper()
	if err == nil {
		return nil
	}
	if got := job.CodeOf(err); got != code {
		t.Errorf("code is %s, want %s", got, code)
	}
	v, ok := errors.AsType[*operation.Violations](err)
	if !ok {
		t.Fatalf("%v has no violations", err)
	}
	return v.List
}

const customerSchema = "schema: {type: object, required: [id, customername], additionalProperties: false, " +
	"properties: {id: {type: string, minLength: 1}, customername: {type: string, minLength: 1}, " +
	"address: {type: object, required: [zip/code]}, n: {type: number, minimum: 0}}}"

// A violation points at the value that is wrong, and for a missing property
// at where it should be.
func TestValidatePayload(t *testing.T) {
	tests := []struct {
		payload string
		want    []operation.Violation
	}{
		{`{"id":"1","customername":"Ann"}`, nil},
		{`{}`, []operation.Violation{{Pointer: "/customername", Detail: "is missing"}, {Pointer: "/id", Detail: "is missing"}}},
		{`{"id":"","customername":"Ann"}`, []operation.Violation{{Pointer: "/id", Detail: "minLength: got 0, want 1"}}},
		{`{"id":7,"customername":"Ann"}`, []operation.Violation{{Pointer: "/id", Detail: "got number, want string"}}},
		{`{"id":"1","customername":"Ann","x":1}`, []operation.Violation{{Pointer: "/x", Detail: "is not known here"}}},
		{`{"id":"1","customername":"Ann","address":{}}`, []operation.Violation{{Pointer: "/address/zip~1code", Detail: "is missing"}}},
		{`[]`, []operation.Violation{{Detail: "got array, want object"}}},
		{``, []operation.Violation{{Detail: "EOF"}}},
		{`{"id":`, []operation.Violation{{Detail: "unexpected EOF"}}},
	}
	o := parseOne(t, customerSchema)
	for _, test := range tests {
		got := violationsOf(t, o.ValidatePayload([]byte(test.payload)), job.CodeInvalidPayload)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.payload, diff)
		}
	}
	if !o.NeedsWholePayload() {
		t.Error("an operation with a schema does not need the whole payload")
	}
}

// A number that would take seconds to compute with is refused at once, one
// that a float64 holds is not.
func TestExtremeNumbers(t *testing.T) {
	o := parseOne(t, customerSchema)
	for number, ok := range map[string]bool{
		"0": true, "1.5e300": true, "5e-324": true, "0e-99999999": true,
		"1e99999999": false, "1e999999": false, "1e-999999": false, strings.Repeat("9", 401): false,
	} {
		start := time.Now()
		list := violationsOf(t, o.ValidatePayload([]byte(`{"id":"1","customername":"A","n":`+number+`}`)), job.CodeInvalidPayload)
		if (list == nil) != ok {
			t.Errorf("%.20s: %v", number, list)
		}
		if !ok && list[0].Pointer != "/n" {
			t.Errorf("%.20s: pointer is %q", number, list[0].Pointer)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%.20s took %s", number, took)
		}
	}
}

// Without a schema any payload passes unread.
func TestNoSchema(t *testing.T) {
	o := parseOne(t)
	if err := o.ValidatePayload([]byte("\x00")); err != nil || o.NeedsWholePayload() {
		t.Errorf("needs payload %v, %v", o.NeedsWholePayload(), err)
	}
}

// A query comes back sorted, typed and with defaults; every wrong parameter
// is named.
func TestValidateQuery(t *testing.T) {
	o := parseOne(t, "parameters: {width: {type: integer, minimum: 1, maximum: 4096, default: 256}, "+
		"format: {enum: [jpeg, png]}, ratio: {type: number}, gray: {type: boolean}, by: {required: true}}")
	violation := func(name, detail string) []operation.Violation {
		return []operation.Violation{{Name: name, Detail: detail}}
	}
	tests := []struct {
		query, want string
		list        []operation.Violation
	}{
		{"by=me", "by=me&width=256", nil},
		{"width=007&by=me&format=png&gray=true&ratio=1e3", "by=me&format=png&gray=true&ratio=1e3&width=7", nil},
		{"by=%20&width=", "", violation("width", `"" is not an integer`)},
		{"", "", violation("by", "is missing")},
		{"by=me&width=0", "", violation("width", "minimum: got 0, want 1")},
		{"by=me&width=1.5", "", violation("width", `"1.5" is not an integer`)},
		{"by=me&width=1&width=2", "", violation("width", "is given more than once")},
		{"by=me&format=bmp", "", violation("format", "value must be one of 'jpeg', 'png'")},
		{"by=me&ratio=%22x%22", "", violation("ratio", `"\"x\"" is not a number`)},
		{"by=me&ratio=null", "", violation("ratio", `"null" is not a number`)},
		{"by=me&ratio=1e999999", "", violation("ratio", `"1e999999" is not a number`)},
		{"by=me&gray=yes", "", violation("gray", `"yes" is not true or false`)},
		{"by=me&heigth=5", "", violation("heigth", "is not a parameter of this operation")},
		{"by=%zz", "", violation("", `invalid URL escape "%zz"`)},
	}
	for _, test := range tests {
		got, err := o.ValidateQuery(test.query)
		list := violationsOf(t, err, job.CodeInvalidParameter)
		if diff := cmp.Diff(test.list, list); got != test.want || diff != "" {
			t.Errorf("%s: got %q, want %q %s", test.query, got, test.want, diff)
		}
	}
}

// An operation that declares no parameters takes any.
func TestUndeclaredParameters(t *testing.T) {
	if got, err := parseOne(t).ValidateQuery("b=2&a=1&a=0"); got != "a=1&a=0&b=2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := parseOne(t, "parameters: {}").ValidateQuery("a=1"); err == nil {
		t.Error("an operation with an empty list of parameters took one")
	}
}

// A content type is matched without its parameters and in any case; an absent
// one counts as application/octet-stream.
func TestTakesContentType(t *testing.T) {
	some := parseOne(t, "contentTypes: [text/CSV, image/*]")
	for header, want := range map[string]bool{
		"text/csv": true, "Text/Csv; charset=utf-8": true, "image/png": true,
		"text/plain": false, "": false, "image": false, "text/csv; =": false, "image/svg/xml": false,
	} {
		if got := some.TakesContentType(header); got != want {
			t.Errorf("%q: got %v", header, got)
		}
	}
	if !parseOne(t).TakesContentType("") || !parseOne(t, "contentTypes: [application/*]").TakesContentType("") {
		t.Error("an absent content type is not taken")
	}
}

// Waits double from about backoff to maxBackoff; a longer wait that was asked
// for is honoured up to maxBackoff.
func TestRetryDelay(t *testing.T) {
	r := operation.Retry{Attempts: 9, Backoff: time.Second, MaxBackoff: 10 * time.Second}
	tests := []struct {
		failed       int
		asked        time.Duration
		least, after time.Duration
	}{
		{0, 0, time.Second / 2, time.Second},
		{1, 0, time.Second / 2, time.Second},
		{3, 0, 2 * time.Second, 4 * time.Second},
		{5, 0, 5 * time.Second, 10 * time.Second},
		{5000, 0, 5 * time.Second, 10 * time.Second},
		{1, 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{1, time.Hour, 10 * time.Second, 10 * time.Second},
	}
	for _, test := range tests {
		for range 100 {
			if d := r.Delay(test.failed, test.asked); d < test.least || d > test.after {
				t.Fatalf("after %d failures, asked for %s: %s", test.failed, test.asked, d)
			}
		}
	}
}
