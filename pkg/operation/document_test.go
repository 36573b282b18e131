package operation

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// FuzzReadDocument states that a payload is read as encoding/json would read
// it, or refused with the same words; and that what was read does not change
// when the payload's memory is used again.
func FuzzReadDocument(f *testing.F) {
	for _, text := range []string{
		`{"id":"1","customername":"Ann","a":[1,-2.5e+3,true,false,null,{},[]]}`, ` [ ] `, `"\u00e9\n"`, `"é"`, "\"\xff\"", "\"\x01\"", "\"\x7f\"",
		`{"a":1,"a":{"b":2}}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `01`, `-`, `1.`, `.5`, `1e`, `+1`, `1e999999`, `12 3`, `"`, ``,
		`truefalse`, `nul`, `tru`, strings.Repeat("[", 99) + strings.Repeat("]", 99), strings.Repeat("[", 300) + strings.Repeat("]", 300),
		strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101), "\ufeff{}", "{}\x00", "[1 2]", `{"a":1 "b":2}`, `{"a":1]`, `[1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		memory := bytes.Clone(text)
		got, err := readDocument(memory)
		clear(memory)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%q: %v, want %v", text, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %#v, want %#v", text, got, want)
		}
	})
}

// BenchmarkReadDocument measures a payload of 1 KB, beside encoding/json.
func BenchmarkReadDocument(b *testing.B) {
	payload := []byte(`{"id": "4711", "n": [1, 2.5], "customername": "` + strings.Repeat("n", 970) + `"}`)
	for name, read := range map[string]func([]byte) (any, error){
		"scanner": readDocument,
		"json":    func(text []byte) (any, error) { return jsonschema.UnmarshalJSON(bytes.NewReader(text)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
