package web_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// TestParseBaseURL keeps the promise that links begin with a whole URL, and
// that no slash is doubled in them.
func TestParseBaseURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://status.example":       "https://status.example",
		"https://status.example/":      "https://status.example",
		"http://127.0.0.1:8081/jobs//": "http://127.0.0.1:8081/jobs",
		"":                             "",
		"/status":                      "",
		"status.example":               "",
		"ftp://status.example":         "",
		"https://me@status.example":    "",
		"https://status.example?x":     "",
		"https://status.example#x":     "",
		"https://status example":       "",
		`https://status".example`:      "",
		"https://<status>":             "",
	} {
		got, err := web.ParseBaseURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseBaseURL(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}

// FuzzParseBaseURL keeps the promise that a base URL stands in JSON as it is.
func FuzzParseBaseURL(f *testing.F) {
	f.Add("https://status.example/a\"b\\c/\u00fc<>&'")
	f.Add("https://\u00fc.example/%zz")
	f.Fuzz(func(t *testing.T, text string) {
		base, err := web.ParseBaseURL(text)
		if err != nil {
			return
		}
		var encoded bytes.Buffer
		encoder := json.NewEncoder(&encoded)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(base); err != nil || encoded.String() != `"`+base+"\"\n" {
			t.Errorf("%q is %s in JSON, %v", base, encoded.Bytes(), err)
		}
	})
}
