package openapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
	"github.com/asyncreply/asyncreply/pkg/openapi"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// shipped gives the operations that are shipped.
func shipped(t *testing.T) *operation.Set {
	t.Helper()
	set, err := operation.Load("../../deploy/operations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// descriptions gives the documents of both services by name.
func descriptions(t *testing.T) map[string]*openapi.Description {
	t.Helper()
	of := map[string]*openapi.Description{}
	var err error
	if of["acceptor"], err = openapi.Acceptor(shipped(t), "v1"); err != nil {
		t.Fatal(err)
	}
	if of["status"], err = openapi.Status("v1"); err != nil {
		t.Fatal(err)
	}
	return of
}

// TestValid states that the documents are OpenAPI 3.1, by a validator that
// knows its schema.
func TestValid(t *testing.T) {
	t.Parallel()
	for name, description := range descriptions(t) {
		folder := browsertest.Workspace(t)
		file := filepath.Join(folder, name+".json")
		if err := os.WriteFile(file, description.JSON(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := browsertest.Command(t, folder, nil, "validate-api", file); err != nil || strings.Contains(out, `"valid": false`) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestRoutes states that every route of the services is documented, and that
// nothing else is.
func TestRoutes(t *testing.T) {
	t.Parallel()
	services := map[string]*echo.Echo{"acceptor": web.New(nil), "status": web.New(nil)}
	(&acceptor.Acceptor{}).Register(services["acceptor"])
	(&status.Service{}).Register(services["status"])
	for name, description := range descriptions(t) {
		e := services[name]
		web.NewHealth(nil).Register(e)
		description.Register(e)
		var have, want []string
		for _, route := range e.Routes() {
			if route.Method != http.MethodHead && route.Method != echo.RouteNotFound {
				have = append(have, route.Method+" "+braces(route.Path))
			}
		}
		d := parse(t, description.JSON())
		for path := range d.at(d.root, "paths") {
			if name == "acceptor" && !strings.Contains(path, "{") && strings.HasPrefix(path, "/api/") {
				continue // an operation's own
			}
			for method := range d.at(d.root, "paths", path) {
				if method != "parameters" {
					want = append(want, strings.ToUpper(method)+" "+path)
				}
			}
		}
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s has the routes\n%q, documented are\n%q", name, have, want)
		}
	}
}

// braces writes Echo's path parameters as OpenAPI does.
func braces(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// TestOperations states what is said of an operation: its parameters, which
// payload it takes, and its schema, whose references lead to itself.
func TestOperations(t *testing.T) {
	t.Parallel()
	set, err := operation.Parse(strings.NewReader(`
operations:
  draw:
    description: Draws.
    contentTypes: [application/json, text/plain]
    schema: {$ref: '#/$defs/shape', $defs: {shape: {type: object, required: [sides]}}}
    parameters:
      width: {type: integer, minimum: 1, required: true}
      color: {enum: [red, blue], default: red}
    processor: {go: draw}
  any:
    processor: {go: any}
`))
	if err != nil {
		t.Fatal(err)
	}
	description, err := openapi.Acceptor(set, "v1")
	if err != nil {
		t.Fatal(err)
	}
	d := parse(t, description.JSON())
	post := d.at(d.root, "paths", "/api/draw", "post")
	parameters, _ := json.Marshal(post["parameters"].([]any)[:2])
	const want = `[{"in":"query","name":"color","schema":{"default":"red","enum":["red","blue"]}},` +
		`{"in":"query","name":"width","required":true,"schema":{"minimum":1,"type":"integer"}}]`
	if string(parameters) != want {
		t.Errorf("parameters are %s", parameters)
	}
	content := d.at(post, "requestBody", "content")
	media := content["application/json"].(map[string]any)["schema"].(map[string]any)
	if err := d.validate(media, []byte(`{"sides":3}`)); err != nil {
		t.Error(err)
	}
	if d.validate(media, []byte(`{}`)) == nil {
		t.Error("what does not fit the operation's schema fits the document's")
	}
	if plain := content["text/plain"].(map[string]any)["schema"].(map[string]any); len(plain) != 0 {
		t.Errorf("text has the schema %v", plain)
	}
	if body := d.at(d.root, "paths", "/api/any", "post", "requestBody"); body["required"] != false || d.at(body, "content")["*/*"] == nil {
		t.Errorf("any takes %v", body)
	}
}

// TestAnswers holds the documents that the running services serve against what
// these answer: each status, header and body, and that whatever is documented
// of success and of the caller's mistakes can be had.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := browsertest.Start(t)
	a, d := fetch(t, s.Acceptor), fetch(t, s.Status)
	checkAcceptor(a, s.Acceptor)
	checkStatus(a, d, s)
	for _, document := range []*document{a, d} {
		document.do(http.MethodGet, baseOf(document, a, s)+"/healthz", nil)
		document.do(http.MethodGet, baseOf(document, a, s)+"/readyz", nil)
		document.do(http.MethodGet, baseOf(document, a, s)+openapi.Path, nil)
	}
	// 410 needs a week, 429 and 503 a service that is set up or overloaded for it.
	a.wantSeen("429", "503")
	d.wantSeen("410", "503")
}

func baseOf(document, a *document, s *browsertest.System) string {
	if document == a {
		return s.Acceptor
	}
	return s.Status
}

func fetch(t *testing.T, base string) *document {
	t.Helper()
	response, err := http.Get(base + openapi.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	return parse(t, text)
}

const ada = `{"id":"7","customername":"Ada"}`

func checkAcceptor(a *document, base string) {
	json := []string{"Content-Type", "application/json"}
	post := func(path, body string, headers ...string) {
		a.do(http.MethodPost, base+path, strings.NewReader(body), headers...)
	}
	a.do(http.MethodGet, base+"/api", nil)
	a.do(http.MethodGet, base+"/api/customer", nil)
	a.do(http.MethodGet, base+"/api/nothing", nil)
	post("/api/nothing", "")
	post("/api/customer", ada, append(json, "Prefer", "respond-async", "Idempotency-Key", `"a"`)...)
	post("/api/customer", `{"id":"8","customername":"Ada"}`, append(json, "Idempotency-Key", `"a"`)...)
	post("/api/customer", ada, append(json, "Idempotency-Key", `"`)...)
	post("/api/customer", "{}", json...)
	post("/api/customer", ada, "Content-Type", "text/plain")
	post("/api/customer?"+strings.Repeat("a", 9000), ada, json...)
	post("/api/customer?color=red", ada, json...)
	post("/api/customer?onComplete=pigeon", ada, json...)
	// It is refused before it is sent, else the connection might be reset before the answer was read.
	a.do(http.MethodPost, base+"/api/thumbnail", bytes.NewReader(make([]byte, 51<<20)), "Content-Type", "image/png", "Expect", "100-continue")
}

func checkStatus(a, d *document, s *browsertest.System) {
	submit := func(path, body, contentType string) (status, operation string) {
		accepted := a.do(http.MethodPost, s.Acceptor+path, strings.NewReader(body), "Content-Type", contentType)
		return accepted.Header.Get("Location"), accepted.Header.Get("Operation-Location")
	}
	get := func(url string, headers ...string) answer { return d.do(http.MethodGet, url, nil, headers...) }

	running, monitor := submit("/api/customer?duration=30s", ada, "application/json")
	for deadline := time.Now().Add(browsertest.Patience); !bytes.Contains(get(running).body, []byte(`"Running"`)); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatal("never Running")
		}
	}
	tag := get(running).Header.Get("ETag")
	get(running, "If-None-Match", tag, "Prefer", "wait=1")
	get(running, "If-None-Match", tag)
	get(monitor, "If-None-Match", get(monitor).Header.Get("ETag"))
	get(running + "/result")
	d.do(http.MethodDelete, running, nil)
	d.do(http.MethodDelete, running, nil)
	get(running)
	get(running + "/result")
	get(monitor)

	failed, monitor := submit("/api/thumbnail", "no picture", "image/png")
	get(failed, "Prefer", "wait=30")
	get(failed + "/result")
	get(failed + "/events")
	get(monitor)

	succeeded, monitor := submit("/api/customer", ada, "application/json")
	get(succeeded, "Prefer", "wait=30")
	get(monitor)
	for _, url := range []string{succeeded, succeeded + "/result"} {
		get(url)
		get(url + "?onComplete=json")
		bytes := get(url + "?onComplete=stream")
		get(url+"?onComplete=stream", "If-None-Match", bytes.Header.Get("ETag"))
		get(url+"?onComplete=stream", "Range", "bytes=1-2")
		get(url+"?onComplete=stream", "Range", "bytes=9999-")
	}
	events := string(get(succeeded + "/events").body)
	_, id, _ := strings.Cut(events, "id: ")
	id, _, _ = strings.Cut(id, "\n")
	get(succeeded+"/events", "Last-Event-ID", id)

	for _, id := range []string{"nonsense", "00000000-0000-8000-8000-000000000000"} {
		for _, path := range []string{"/api/RequestStatus/" + id, "/api/RequestStatus/" + id + "/result", "/api/RequestStatus/" + id + "/events", "/api/operations/" + id} {
			get(s.Status + path)
		}
		d.do(http.MethodDelete, s.Status+"/api/RequestStatus/"+id, nil)
	}
}

// wantSeen checks that every answer that is documented with a status of its
// own came, but for some statuses. The paths of an acceptor differ only in the
// operation, so it is enough if one of them was answered so.
func (d *document) wantSeen(except ...string) {
	d.t.Helper()
	_, acceptor := d.at(d.root, "paths")["/api/{operation}"]
	for path := range d.at(d.root, "paths") {
		for method := range d.at(d.root, "paths", path) {
			for status := range d.at(d.root, "paths", path, method, "responses") {
				key := answerKey(strings.ToUpper(method), path, status)
				if acceptor {
					key = answerKey(strings.ToUpper(method), "", status)
				}
				if status != "default" && !slices.Contains(except, status) && !d.seen[key] {
					d.t.Errorf("%s %s: %s is documented and never came", method, path, status)
				}
			}
		}
	}
}
