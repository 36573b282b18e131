package operation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lookup(name string) (string, bool) {
	value, ok := map[string]string{"TOKEN": "s3cret", "EMPTY": "", "LINES": "a\nb", "NESTED": "${TOKEN}"}[name]
	return value, ok
}

// References in headers and variables are replaced once; all else stays.
func TestExpand(t *testing.T) {
	set := parse(t, `
operations:
  a:
    processor:
      http:
        url: http://h/
        headers: {Authorization: "Bearer ${TOKEN}${EMPTY}", Price: "$5 $$ ${}", Literal: "$${TOKEN}", Nested: "${NESTED}"}
  b:
    processor:
      exec: {command: [x, "${TOKEN}"], env: {KEY: "${TOKEN}"}}
  c:
    processor: {go: x}
`)
	if err := set.Expand(lookup); err != nil {
		t.Fatal(err)
	}
	a, _ := set.Lookup("a")
	want := map[string]string{"Authorization": "Bearer s3cret", "Price": "$5 $$ ${}", "Literal": "${TOKEN}", "Nested": "${TOKEN}"}
	if diff := cmp.Diff(want, a.Processor.HTTP.Headers); diff != "" {
		t.Error(diff)
	}
	b, _ := set.Lookup("b")
	if b.Processor.Exec.Env["KEY"] != "s3cret" || b.Processor.Exec.Command[1] != "${TOKEN}" {
		t.Errorf("%+v", b.Processor.Exec)
	}
}

// An unknown name stops the start, and the error does not tell a secret.
func TestExpandMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"http: {url: 'http://h', headers: {A: '${NOPE}'}}":  "operations.a.processor.http.headers.A: the environment has no NOPE",
		"http: {url: 'http://h', headers: {A: '${LINES}'}}": "operations.a.processor.http.headers.A: the value of LINES is not one line",
		"exec: {command: [x], env: {A: '${NOPE}'}}":         "operations.a.processor.exec.env.A: the environment has no NOPE",
	} {
		err := parse(t, processor(text)).Expand(lookup)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
