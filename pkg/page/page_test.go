package page_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/client/browser"
	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
	"github.com/asyncreply/asyncreply/pkg/page"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// serve serves a page alone, without the status service.
func serve(t *testing.T, opts page.Options) string {
	t.Helper()
	p, err := page.New(&opts)
	if err != nil {
		t.Fatal(err)
	}
	e := web.New(nil)
	p.Register(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// TestPolicy states what the page may do: run its own files, and talk to the
// services and to storage; nothing inline, nothing from elsewhere, no frames.
func TestPolicy(t *testing.T) {
	t.Parallel()
	url := serve(t, page.Options{AcceptorURL: "https://accept.example/base", Origins: []string{"https://a.blob.core.windows.net"}})
	response, _ := get(t, url+"/")
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
		"connect-src 'self' https://a.blob.core.windows.net https://accept.example; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	if got := response.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy is\n%s, want\n%s", got, want)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestNothingFromElsewhere states that no file of the page or of the client
// names another host, except those that stand for a namespace or an example.
func TestNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	links := regexp.MustCompile(`(https?:)?//[a-z0-9.-]+\.[a-z]{2,}`)
	for root, files := range map[string]fs.FS{"static": os.DirFS("static"), "client": browser.Files} {
		err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := fs.ReadFile(files, name)
			for _, link := range links.FindAllString(string(text), -1) {
				if link != "http://www.w3.org" && !strings.HasSuffix(link, ".example") {
					t.Errorf("%s/%s names %s", root, name, link)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFiles states how files are served: with types that browsers run, and
// again only when they changed.
func TestFiles(t *testing.T) {
	t.Parallel()
	url := serve(t, page.Options{})
	for path, want := range map[string]string{
		"/":                          "text/html; charset=utf-8",
		"/page/main.js":              "text/javascript; charset=utf-8",
		"/page/page.css":             "text/css; charset=utf-8",
		"/page/icon.svg":             "image/svg+xml",
		"/client/asyncreply.js":      "text/javascript; charset=utf-8",
		"/client/asyncreply/http.js": "text/javascript; charset=utf-8",
		"/client/asyncreply.d.ts":    "application/typescript; charset=utf-8",
	} {
		response, body := get(t, url+path)
		if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != want || body == "" {
			t.Errorf("%s: %s, %s of %d bytes", path, response.Status, got, len(body))
		}
		if again, _ := get(t, url+path, "If-None-Match", response.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", path, again.Status)
		}
	}
	for _, path := range []string{"/page/index.html", "/page/", "/page/../page.go", "/client/", "/client/browser.go"} {
		if response, _ := get(t, url+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}

// TestWrongOptions states that a setting that would open the policy is refused.
func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for _, opts := range []page.Options{
		{AcceptorURL: "accept.example"},
		{AcceptorURL: "javascript:alert(1)"},
		{AcceptorURL: "https://a; script-src *"},
		{Origins: []string{"https://a; script-src *"}},
	} {
		if _, err := page.New(&opts); err == nil {
			t.Errorf("%+v was taken", opts)
		}
	}
	_, body := get(t, serve(t, page.Options{AcceptorURL: `https://a/"><script>x`})+"/")
	if strings.Contains(body, "<script>x") {
		t.Errorf("the URL became markup: %s", body)
	}
}

// TestNoAcceptor states that a page that does not know its acceptor says so,
// and what to set.
func TestNoAcceptor(t *testing.T) {
	t.Parallel()
	p := browsertest.Open(t).Page(t, serve(t, page.Options{})+"/")
	p.Await(`document.querySelector('#new .notice')?.innerText.includes('ACCEPTOR_BASE_URL')`)
	if left := p.Complaints(); len(left) > 0 {
		t.Errorf("the browser complains: %q", left)
	}
}

// TestAcceptorAway states that a page whose acceptor cannot be reached says so
// and lets its visitor try again.
func TestAcceptorAway(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(nil)
	away.Close()
	p := browsertest.Open(t).Page(t, serve(t, page.Options{AcceptorURL: away.URL})+"/")
	p.Await(`document.querySelector('#new .error')?.innerText.includes('cannot be reached')`)
	p.Await(`document.querySelector('#new button').textContent === 'Try again'`)
}

// TestWire keeps the promises of what the page says about requests:
// testdata/wire.test.mjs states each.
func TestWire(t *testing.T) {
	t.Parallel()
	files := []string{"testdata/wire.test.mjs", "static/dom.js", "static/payload.js", "static/store.js", "static/wire.js"}
	folder := browsertest.Workspace(t, files...)
	if err := os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"type": "module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := browsertest.Command(t, folder, nil, "node", "--test", "wire.test.mjs"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
