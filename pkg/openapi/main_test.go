package openapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// document is a description as a client reads it.
type document struct {
	t    *testing.T
	root map[string]any
	seen map[string]bool // documented answers that came, by answerKey
}

func parse(t *testing.T, text []byte) *document {
	t.Helper()
	d := &document{t: t, seen: map[string]bool{}}
	if err := json.Unmarshal(text, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// at gives what lies at a path of keys; references are followed.
func (d *document) at(node any, keys ...string) map[string]any {
	for i := 0; ; i++ {
		object, _ := node.(map[string]any)
		if pointer, ok := object["$ref"].(string); ok {
			object = d.at(d.root, strings.Split(strings.TrimPrefix(pointer, "#/"), "/")...)
		}
		if i == len(keys) || object == nil {
			return object
		}
		node = object[keys[i]]
	}
}

// template gives the documented path that a request goes to.
func (d *document) template(path string) string {
	paths := d.at(d.root, "paths")
	if _, ok := paths[path]; ok {
		return path
	}
	parts := strings.Split(path, "/")
next:
	for template := range paths {
		pattern := strings.Split(template, "/")
		if len(pattern) != len(parts) {
			continue
		}
		for i := range parts {
			if pattern[i] != parts[i] && !strings.HasPrefix(pattern[i], "{") {
				continue next
			}
		}
		return template
	}
	return ""
}

// response gives what is documented about an answer, exactly or by default.
func (d *document) response(method, path, status string) map[string]any {
	responses := d.at(d.root, "paths", path, strings.ToLower(method), "responses")
	if response := d.at(responses, status); response != nil {
		d.seen[answerKey(method, path, status)], d.seen[answerKey(method, "", status)] = true, true
		return response
	}
	if status[0] >= '4' {
		return d.at(responses, "default")
	}
	return nil
}

// answerKey names an answer of one path, or of any if path is "".
func answerKey(method, path, status string) string { return method + " " + path + " " + status }

// answer is what a service said.
type answer struct {
	*http.Response
	body []byte
}

// do sends a request, without following redirects, and checks that the answer
// is as documented. Headers are names and values in turn.
func (d *document) do(method, url string, body io.Reader, headers ...string) answer {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, url, body)
	if err != nil {
		d.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Close = true
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	a := answer{Response: response, body: content}
	d.check(a)
	return a
}

func (d *document) check(a answer) {
	d.t.Helper()
	path := d.template(a.Request.URL.Path)
	status, _, _ := strings.Cut(a.Status, " ")
	documented := d.response(a.Request.Method, path, status)
	if documented == nil {
		d.t.Errorf("%s %s: %s is not documented: %s", a.Request.Method, a.Request.URL, a.Status, a.body)
		return
	}
	for name := range d.at(documented, "headers") {
		header := d.at(documented, "headers", name)
		if required, _ := header["required"].(bool); required && a.Header.Get(name) == "" {
			d.t.Errorf("%s %s: %s without %s", a.Request.Method, a.Request.URL, a.Status, name)
		}
	}
	d.checkBody(a, d.at(documented, "content"))
}

// checkBody checks the media type, and the body against its schema.
func (d *document) checkBody(a answer, content map[string]any) {
	d.t.Helper()
	mediaType, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	name := mediaType
	if content[name] == nil {
		name = "*/*"
	}
	if len(a.body) == 0 && content == nil {
		return
	}
	media := d.at(content, name)
	if media == nil {
		d.t.Errorf("%s %s: %s of type %q is not documented", a.Request.Method, a.Request.URL, a.Status, mediaType)
		return
	}
	if !strings.HasSuffix(mediaType, "json") || a.StatusCode == http.StatusPartialContent {
		return
	}
	schema, ok := media["schema"].(map[string]any)
	if !ok {
		d.t.Errorf("%s %s: %s has no schema", a.Request.Method, a.Request.URL, a.Status)
		return
	}
	if err := d.validate(schema, a.body); err != nil {
		d.t.Errorf("%s %s: %s does not fit its schema: %v\n%s", a.Request.Method, a.Request.URL, a.Status, err, a.body)
	}
}

// validate checks JSON against a schema, whose references are the document's.
func (d *document) validate(schema map[string]any, body []byte) error {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	whole := map[string]any{"components": d.root["components"], "allOf": []any{schema}}
	if err := compiler.AddResource("urn:document", whole); err != nil {
		return err
	}
	compiled, err := compiler.Compile("urn:document")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}
