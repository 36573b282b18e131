package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

// startApp serves an empty page on an origin of its own, that of an app that
// knows nothing but the services' URLs.
func startApp(t *testing.T) string {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><link rel=icon href=data:,><title>app</title>")
	}))
	t.Cleanup(app.Close)
	return app.URL
}

// caller is a page with the client in it, as an app would have it.
type caller struct {
	*browsertest.Page
	system   *browsertest.System
	delivery string
}

// call opens url and loads the client there, from the status service.
func call(t *testing.T, b *browsertest.Browser, s *browsertest.System, url, delivery string) *caller {
	t.Helper()
	c := &caller{Page: b.Page(t, url), system: s, delivery: delivery}
	c.load()
	return c
}

func (c *caller) load() {
	// A token must not get to storage, which would refuse it beside a valet key.
	c.Eval(fmt.Sprintf(`
		globalThis.api = await import('%[1]s/client/asyncreply.js');
		globalThis.client = new api.Client({ acceptor: '%[2]s', status: '%[1]s', headers: { Authorization: 'Bearer token' } });
		globalThis.ada = { id: '7', customername: 'Ada' };
		globalThis.delivery = '%[3]s';
		globalThis.outcome = (promise) => promise.then(() => 'success', (error) => error.name + ' ' + error.code);`,
		c.system.Status, c.system.Acceptor, c.delivery), nil)
}

func (c *caller) want(t *testing.T, body, want string) {
	t.Helper()
	var got string
	c.Eval(body, &got)
	if got != want {
		t.Errorf("%s\ngave %q, want %q", body, got, want)
	}
}

// TestCORS keeps the promise that the three ways of a page to its result work
// in a browser, through success, failure, cancel, reload and a restart of the
// status service: the page has the status service's own origin; it has another
// and follows the redirect; it has another and asks for the link
// (onComplete=json).
func TestCORS(t *testing.T) {
	t.Parallel()
	s := browsertest.Start(t)
	app := startApp(t)
	b := browsertest.Open(t)
	for name, test := range map[string]struct{ url, delivery string }{
		"own origin":                {s.Status + "/", "redirect"},
		"other origin and redirect": {app, "redirect"},
		"other origin and link":     {app, "link"},
		"other origin and stream":   {app, "stream"},
	} {
		t.Run(name, func(t *testing.T) {
			c := call(t, b, s, test.url, test.delivery)
			c.want(t, `return (await (await client.run('customer', ada, { delivery })).json()).customername`, "Ada")
			c.want(t, `return outcome(client.run('thumbnail', new Blob(['x'], { type: 'image/png' }), { delivery }))`, "JobError InvalidPayload")
			c.want(t, `return outcome(client.submit('customer', { id: '' }))`, "ProblemError InvalidPayload")
			c.want(t, `const job = await client.submit('customer', ada, { params: { duration: '30s' } });
				const end = outcome(job.result({ delivery }));
				await job.cancel();
				return end`, "JobError Canceled")
			c.testReload(t)
			c.testRestart(t)
			if left := c.Complaints("ERR_CONNECTION_REFUSED", "status of 4", "net::ERR_"); len(left) > 0 {
				t.Errorf("the browser complains: %q", left)
			}
		})
	}
}

// testReload reloads the page in mid-job and resumes from what it kept.
func (c *caller) testReload(t *testing.T) {
	c.Eval(`const job = await client.submit('customer', ada, { params: { duration: '2s' } });
		sessionStorage.setItem('job', job.token)`, nil)
	c.Do(chromedp.Reload())
	c.load()
	c.want(t, `const job = client.resume(sessionStorage.getItem('job'));
		return (await (await job.result({ delivery })).json()).customername`, "Ada")
}

// testRestart restarts the status service while a page follows a job.
func (c *caller) testRestart(t *testing.T) {
	c.Eval(`const job = await client.submit('customer', ada, { params: { duration: '4s' } });
		globalThis.seen = [];
		globalThis.end = job.result({ delivery, onProgress: ({ status }) => seen.push(status) }).then((result) => result.json())`, nil)
	c.Await(`seen.includes('Running')`)
	c.system.StopStatus()
	time.Sleep(500 * time.Millisecond) // an outage that the page notices
	c.system.StartStatus()
	c.want(t, `return (await end).customername + ' ' + seen.at(-1)`, "Ada Succeeded")
}

// TestRestrictedOrigins keeps the promise that only the configured origins get
// in; and states what the choice between link and redirect is about: storage
// sees the origin of a page that fetches the link, but "null" after a redirect.
func TestRestrictedOrigins(t *testing.T) {
	t.Parallel()
	app, stranger := startApp(t), startApp(t)
	s := browsertest.Start(t, "--origins", app, "--blob-origins", app)
	b := browsertest.Open(t)

	c := call(t, b, s, app, "link")
	c.want(t, `return (await (await client.run('customer', ada)).json()).customername`, "Ada")
	c.want(t, `const quick = new api.Client({ acceptor: '`+s.Acceptor+`', retryFor: 1000 });
		const result = await quick.run('customer', ada, { delivery: 'redirect' });
		return result.text({ signal: AbortSignal.timeout(5000) }).then(() => 'read', () => 'refused')`, "refused")

	page := b.Page(t, stranger)
	for _, url := range []string{s.Acceptor + "/api", s.Status + "/api/RequestStatus/0"} {
		var got string
		page.Eval(`return fetch('`+url+`').then(() => 'read', () => 'refused')`, &got)
		if got != "refused" {
			t.Errorf("a page of another origin %s %s", got, url)
		}
	}
}

// TestReadableHeaders keeps the promise that a page of another origin can read
// the headers that the pattern needs, with nothing but fetch.
func TestReadableHeaders(t *testing.T) {
	t.Parallel()
	s := browsertest.Start(t)
	page := browsertest.Open(t).Page(t, startApp(t))
	var got []string
	page.Eval(`
		const accepted = await fetch('`+s.Acceptor+`/api/customer', {
			method: 'POST', body: '{"id":"7","customername":"Ada"}',
			headers: { 'Content-Type': 'application/json', 'Idempotency-Key': '"k"', Authorization: 'Bearer x', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
		});
		const refused = await fetch('`+s.Acceptor+`/api/nothing', { method: 'POST' });
		const poll = await fetch(accepted.headers.get('Location') + '?onComplete=json', { headers: { Prefer: 'wait=1' } });
		return [
			...['Location', 'Operation-Location', 'Retry-After', 'x-ms-request-id'].filter((name) => !accepted.headers.get(name)),
			...['x-ms-error-code', 'x-ms-request-id'].filter((name) => !refused.headers.get(name)),
			...['Preference-Applied'].filter((name) => !poll.headers.get(name)),
		]`, &got)
	if len(got) > 0 {
		t.Errorf("not readable: %v", got)
	}
}
