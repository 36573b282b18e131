package blobstore_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// fetch makes a request without credentials.
func fetch(t *testing.T, client *http.Client, method, url string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("x-ms-blob-type", "BlockBlob")
	response, err := client.Do(request)
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

func sign(t *testing.T, s *blobstore.Signer, name string, opts blobstore.SignOptions) string {
	t.Helper()
	signed, expires, err := s.URL(t.Context(), name, opts)
	if err != nil {
		t.Fatal(err)
	}
	query, err := url.ParseQuery(signed[strings.IndexByte(signed, '?')+1:])
	if err != nil {
		t.Fatal(err)
	}
	if se, err := time.Parse(time.RFC3339, query.Get("se")); err != nil || !se.Equal(expires) {
		t.Errorf("se=%s, but the signer says %v", query.Get("se"), expires)
	}
	return signed
}

// checkValetKey checks that a signed URL opens one blob, for reading only, with
// the headers asked for.
func checkValetKey(t *testing.T, client *http.Client, s *blobstore.Signer, name string) {
	t.Helper()
	signed := sign(t, s, name, blobstore.SignOptions{ContentType: "text/plain; charset=utf-8", FileName: `naïve".txt`})
	response, body := fetch(t, client, http.MethodGet, signed)
	if response.StatusCode != http.StatusOK || body != name {
		t.Errorf("GET: %s %q", response.Status, body)
	}
	want := map[string]string{
		"Content-Type":        "text/plain; charset=utf-8",
		"Content-Disposition": `attachment; filename="na_ve_.txt"; filename*=UTF-8''na%C3%AFve_.txt`,
	}
	for header, value := range want {
		if got := response.Header.Get(header); got != value {
			t.Errorf("%s: %s, want %s", header, got, value)
		}
	}
	other := strings.Replace(signed, "/mine", "/other", 1)
	tampered := strings.Replace(signed, "sp=r", "sp=rw", 1)
	for _, refused := range []struct{ method, url string }{
		{http.MethodGet, other}, {http.MethodPut, signed}, {http.MethodDelete, signed}, {http.MethodPut, tampered},
		{http.MethodGet, signed[:strings.IndexByte(signed, '?')]},
	} {
		if response, _ := fetch(t, client, refused.method, refused.url); response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s: %s", refused.method, refused.url, response.Status)
		}
	}
	if response, body := fetch(t, client, http.MethodGet, signed); response.StatusCode != http.StatusOK || body != name {
		t.Errorf("GET after all that: %s %q", response.Status, body)
	}
}

// putTwo stores a blob to sign for and another, and gives the first one's name.
func putTwo(t *testing.T, c *blobstore.Container) string {
	t.Helper()
	const name = "20261121/id/mine 1%?#ü"
	put(t, c, name, []byte(name))
	put(t, c, strings.Replace(name, "mine", "other", 1), []byte("other"))
	return name
}

// TestSharedKeyURL states that a URL signed by the account's key is a valet
// key, that it ends when it says, and that making it asks nobody.
func TestSharedKeyURL(t *testing.T) {
	t.Parallel()
	c := clients(t, localazuretest.Storage(t).ConnectionString(), nil)
	opts := options(t)
	store := blobstore.New(c.Blobs, opts)
	if err := store.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := putTwo(t, store.Results())
	browser := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	checkValetKey(t, browser, blobstore.NewSigner(c.Blobs, c.SharedKey, &blobstore.SignerOptions{Container: opts.ResultContainer}), name)

	const lifetime = time.Minute
	for behind, want := range map[time.Duration]int{
		0: 200, lifetime + time.Second: 403, // expired
		-14 * time.Minute: 200, -16 * time.Minute: 403, // signed by a clock that is ahead
	} {
		s := blobstore.NewSigner(c.Blobs, c.SharedKey, &blobstore.SignerOptions{
			Container: opts.ResultContainer, Lifetime: lifetime, Now: func() time.Time { return time.Now().Add(-behind) },
		})
		if response, _ := fetch(t, browser, http.MethodGet, sign(t, s, name, blobstore.SignOptions{})); response.StatusCode != want {
			t.Errorf("signed by a clock that is %v behind: %s, want %d", behind, response.Status, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := blobstore.NewSigner(c.Blobs, c.SharedKey, nil).URL(ended, "x", blobstore.SignOptions{}); err != nil {
		t.Errorf("signing by the account's key took a request: %v", err)
	}
}

// TestShown states that without a file name a blob is shown, not saved, and
// that a URL for https is good for nothing else.
func TestShown(t *testing.T) {
	t.Parallel()
	settings := azure.Storage{ConnectionString: "AccountName=example;AccountKey=a2V5"}
	c, err := settings.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	signed := sign(t, blobstore.NewSigner(c.Blobs, c.SharedKey, nil), "a/b", blobstore.SignOptions{ContentType: "image/png"})
	if !strings.HasPrefix(signed, "https://example.blob.core.windows.net/results/a/b?") {
		t.Errorf("URL %s", signed)
	}
	for _, want := range []string{"spr=https&", "rscd=inline&", "rsct=image%2Fpng&", "sp=r&", "sr=b&"} {
		if !strings.Contains(signed+"&", want) {
			t.Errorf("no %s in %s", want, signed)
		}
	}
}

// entra is an account that is used with Entra credentials.
type entra struct {
	azurite *localazure.Azurite
	clients *azure.Clients
	store   *blobstore.Store
	opts    *blobstore.Options

	keys  atomic.Int32 // user delegation keys asked for
	fail  atomic.Bool
	began chan struct{} // not nil: takes a token when a key is asked for,
	gate  chan struct{} // and this one lets the request go on
}

// RoundTrip counts the requests for keys, and makes them fail.
func (e *entra) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("comp") == "userdelegationkey" {
		e.keys.Add(1)
		if e.gate != nil {
			e.began <- struct{}{}
			<-e.gate
		}
		if e.fail.Load() {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return e.azurite.HTTPClient().Transport.RoundTrip(r)
}

func newEntra(t *testing.T) *entra {
	t.Helper()
	e := &entra{azurite: localazuretest.Azurite(t, localazure.AzuriteOptions{HTTPS: true}), opts: options(t)}
	settings := azure.Storage{BlobEndpoint: e.azurite.ProductStyleBlobEndpoint(), TableEndpoint: e.azurite.TableEndpoint()}
	var err error
	e.clients, err = settings.Open(&azure.Options{Credential: localazuretest.Credential{}, HTTPClient: &http.Client{Transport: e}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.azurite.HTTPClient().CloseIdleConnections)
	e.store = blobstore.New(e.clients.Blobs, e.opts)
	if err := e.store.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *entra) signer(now func() time.Time) *blobstore.Signer {
	return blobstore.NewSigner(e.clients.Blobs, e.clients.SharedKey, &blobstore.SignerOptions{Container: e.opts.ResultContainer, Now: now})
}

// TestUserDelegation states what a signer does with Entra credentials.
func TestUserDelegation(t *testing.T) {
	t.Parallel()
	e := newEntra(t)
	t.Run("a URL is a valet key", func(t *testing.T) {
		checkValetKey(t, e.azurite.HTTPClient(), e.signer(nil), putTwo(t, e.store.Results()))
	})
	t.Run("all URLs of a day take one request", e.oneKey)
	t.Run("a key is renewed before it ends", e.renewal)
	t.Run("without a key the service is busy", e.outage)
	t.Run("a caller that leaves takes no key from others", e.leaver)
}

func (e *entra) oneKey(t *testing.T) {
	s, before := e.signer(nil), e.keys.Load()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { sign(t, s, "x", blobstore.SignOptions{}) })
	}
	callers.Wait()
	if asked := e.keys.Load() - before; asked != 1 {
		t.Errorf("50 URLs took %d keys", asked)
	}
}

func (e *entra) renewal(t *testing.T) {
	var hours time.Duration
	start := time.Now()
	s, before := e.signer(func() time.Time { return start.Add(hours) }), e.keys.Load()
	keyEnd := func() string {
		signed, _ := url.Parse(sign(t, s, "x", blobstore.SignOptions{}))
		return signed.Query().Get("ske")
	}
	first := keyEnd()
	if hours = 22 * time.Hour; keyEnd() != first || e.keys.Load()-before != 1 {
		t.Errorf("after 22 hours the key was renewed")
	}
	hours = 23 * time.Hour
	e.fail.Store(true)
	asked := e.keys.Load()
	for range 3 {
		if keyEnd() != first {
			t.Error("a renewal that failed changed the key")
		}
	}
	if tries := e.keys.Load() - asked; tries > 4 { // one request and the SDK's tries
		t.Errorf("a renewal that failed was tried %d times at once", tries)
	}
	e.fail.Store(false)
	hours += time.Minute
	if keyEnd() == first {
		t.Error("the key was not renewed within its last hour")
	}
}

func (e *entra) outage(t *testing.T) {
	e.fail.Store(true)
	s := e.signer(nil)
	if _, _, err := s.URL(t.Context(), "x", blobstore.SignOptions{}); !errors.Is(err, job.ErrBusy) {
		t.Errorf("during the outage: %v", err)
	}
	e.fail.Store(false)
	sign(t, s, "x", blobstore.SignOptions{})
}

func (e *entra) leaver(t *testing.T) {
	e.began, e.gate = make(chan struct{}, 1), make(chan struct{})
	defer func() { e.gate = nil }()
	s := e.signer(nil)
	ctx, leave := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	call := func(ctx context.Context, outcome chan<- error) {
		_, _, err := s.URL(ctx, "x", blobstore.SignOptions{})
		outcome <- err
	}
	go call(ctx, left)
	<-e.began
	go call(t.Context(), stayed)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left: %v", err)
	}
	close(e.gate)
	if err := <-stayed; err != nil {
		t.Errorf("the caller that stayed: %v", err)
	}
}
