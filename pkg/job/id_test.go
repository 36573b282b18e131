package job_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const someID = "0193509c-9400-8abc-9def-0123456789ab"

// Any version of UUID is read, in either case, and written in lower case.
func TestParseID(t *testing.T) {
	for _, text := range []string{
		someID, "9d3cbeb1-9f2f-4c9c-8c43-5d1dbb9a0b1e", "9D3CBEB1-9F2F-4C9C-8C43-5D1DBB9A0B1E",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000001",
	} {
		id, err := job.ParseID(text)
		if err != nil || id.String() != strings.ToLower(text) || id.IsZero() {
			t.Errorf("%s: got %s, %v", text, id, err)
		}
	}
}

// What is no UUID is refused with its code, also where only the hyphens are
// wrong.
func TestParseIDRefuses(t *testing.T) {
	for _, text := range []string{
		"", "x", someID + "0", someID[1:], strings.ReplaceAll(someID, "-", ""), "{" + someID + "}",
		"00000000-0000-0000-0000-000000000000", strings.ReplaceAll(someID, "a", "g"), strings.Replace(someID, "-", "_", 1),
		"0193509c-9400-8abc-9def0-123456789ab", "0193509c9-400-8abc-9def-0123456789ab", strings.Repeat("é", 18),
	} {
		id, err := job.ParseID(text)
		if job.CodeOf(err) != job.CodeInvalidID || !id.IsZero() {
			t.Errorf("%q: got %s, %v", text, id, err)
		}
	}
}

// An id is its text in JSON, and text that is no id is an error there.
func TestIDInJSON(t *testing.T) {
	var v struct{ ID job.ID }
	if err := json.Unmarshal([]byte(`{"ID":"`+someID+`"}`), &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if want := `{"ID":"` + someID + `"}`; string(text) != want || err != nil {
		t.Errorf("got %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"ID":"x"}`), &v); job.CodeOf(err) != job.CodeInvalidID {
		t.Errorf("got %v", err)
	}
}

// Time and shard are where the package's documentation puts them.
func TestIDLayout(t *testing.T) {
	id, err := job.ParseID(someID)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := id.Time(), time.UnixMilli(0x0193509c9400).UTC(); !got.Equal(want) {
		t.Errorf("time is %s, want %s", got, want)
	}
	if got := id.Shard(); got != 0xab {
		t.Errorf("shard is %#x", got)
	}
}

// What ParseID takes it gives back, but for the case of letters.
func FuzzParseID(f *testing.F) {
	f.Add(someID)
	f.Add("00000000-0000-0000-0000-000000000000")
	f.Add("0193509C-9400-8ABC-9DEF-0123456789AB")
	f.Add("----")
	f.Add(someID[:35] + "\x00")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := job.ParseID(text)
		if err != nil {
			if !id.IsZero() || job.CodeOf(err) != job.CodeInvalidID {
				t.Errorf("%q: got %s, %v", text, id, err)
			}
			return
		}
		if id.String() != strings.ToLower(text) {
			t.Errorf("%q is written %s", text, id)
		}
	})
}
