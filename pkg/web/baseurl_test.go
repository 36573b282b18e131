package web_test

import (
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
	} {
		got, err := web.ParseBaseURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseBaseURL(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}
