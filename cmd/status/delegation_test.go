package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// account is an Azurite over https, as used with tokens.
type account struct {
	azurite   *localazure.Azurite
	endpoints azure.Storage
	records   *tablestore.Store
	results   *blobstore.Container
}

func newAccount(t *testing.T) *account {
	t.Helper()
	options := localazuretest.AzuriteOptions()
	options.HTTPS = true
	azurite := localazuretest.Azurite(t, options)
	a := &account{azurite: azurite, endpoints: azure.Storage{
		BlobEndpoint: azurite.ProductStyleBlobEndpoint(), TableEndpoint: azurite.TableEndpoint(),
	}}
	clients, err := a.endpoints.Open(&azure.Options{Credential: localazuretest.Credential{}, HTTPClient: azurite.HTTPClient()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clients.Close)
	a.records = tablestore.New(clients.Tables, &tablestore.Options{TablePrefix: "jobs"})
	store := blobstore.New(clients.Blobs, nil)
	if err := store.EnsureContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.results = store.Results()
	return a
}

// succeeded stores a job with its result.
func (a *account) succeeded(t *testing.T, content string) job.ID {
	t.Helper()
	id := issue(t, 0)
	now := time.Now().UTC()
	result := &job.Result{Blob: id.Day() + "/" + id.String() + "/1", Size: int64(len(content)), ContentType: "text/plain", FileName: "nap.txt"}
	properties := job.BlobProperties{ContentType: result.ContentType}
	if err := a.results.Put(t.Context(), result.Blob, strings.NewReader(content), properties); err != nil {
		t.Fatal(err)
	}
	r := job.Record{ID: id, Operation: "nap", Status: job.StatusSucceeded, SubmittedAt: now, UpdatedAt: now, FinishedAt: now, Attempt: 1, Result: result}
	if err := a.records.Insert(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	return id
}

// startBinary starts the program as Container Apps would, with a managed
// identity and without a key.
func startBinary(t *testing.T, a *account, i *identity) string {
	t.Helper()
	dir := t.TempDir()
	binary, roots := filepath.Join(dir, "status"), filepath.Join(dir, "roots.pem")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.WriteFile(roots, a.azurite.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := environment(t)
	for _, name := range []string{"STORAGE_CONNECTION_STRING", "RESULT_CONTAINER", "TABLE_PREFIX"} {
		delete(environ, name)
	}
	for name, value := range map[string]string{
		"STORAGE_BLOB_ENDPOINT": a.endpoints.BlobEndpoint, "STORAGE_TABLE_ENDPOINT": a.endpoints.TableEndpoint,
		"IDENTITY_ENDPOINT": i.URL, "IDENTITY_HEADER": identitySecret, "AZURE_CLIENT_ID": identityClient,
		"HTTPS_PROXY": newTunnel(t).URL, "SSL_CERT_FILE": roots,
	} {
		environ[name] = value
	}
	process := exec.Command(binary)
	process.Env = list(environ)
	logged, err := process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = process.Wait() // killed
	})
	return "http://" + listening(t, logged)
}

// listening gives the address that a log says, and reads on.
func listening(t *testing.T, logged io.Reader) string {
	t.Helper()
	for decoder := json.NewDecoder(logged); ; {
		var line struct{ Msg, Address string }
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("never listened: %v", err)
		}
		if line.Msg == "listening" {
			go func() { _, _ = io.Copy(io.Discard, logged) }()
			return line.Address
		}
	}
}

// TestUserDelegation keeps the promise that with a managed identity and no
// key anywhere the service redirects to a result by a user-delegation SAS
// that opens this result to a client without credentials, and nothing else;
// and that identity and storage are asked once for all redirects.
func TestUserDelegation(t *testing.T) {
	a, i := newAccount(t), newIdentity(t)
	base := startBinary(t, a, i)
	if response, body := get(t, base+"/readyz"); response.StatusCode != http.StatusOK {
		t.Fatalf("readyz = %s %s", response.Status, body)
	}
	mine, other := a.succeeded(t, "well rested"), a.succeeded(t, "somebody else's")
	var link, another string
	for id, to := range map[job.ID]*string{mine: &link, other: &another} {
		response, body := visitor{t: t, url: base}.ask(http.MethodGet, "/api/RequestStatus/"+id.String())
		if response.StatusCode != http.StatusFound {
			t.Fatalf("%s %s", response.Status, body)
		}
		*to = response.Header.Get("Location")
	}
	signed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"skoid", "sktid", "sig"} { // only a user-delegation SAS names who delegated
		if signed.Query().Get(name) == "" {
			t.Errorf("%s has no %s", link, name)
		}
	}
	if signed.Query().Get("sp") != "r" || signed.Query().Get("spr") != "https" {
		t.Errorf("%s is for more than reading by https", link)
	}
	swapped, _, _ := strings.Cut(another, "?")
	for to, want := range map[string]string{link: "well rested", another: "somebody else's", swapped + "?" + signed.RawQuery: ""} {
		response, err := a.azurite.HTTPClient().Get(to)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || (response.StatusCode == http.StatusOK) != (want != "") || want != "" && string(body) != want {
			t.Errorf("GET %s: %s %s %v", to, response.Status, body, err)
		}
	}
	if tokens := i.tokens.Load(); tokens < 1 || tokens > 2 { // Blob and Table may each have one
		t.Errorf("the identity was asked for %d tokens", tokens)
	}
	if response, body := (visitor{t: t, url: base}).ask(http.MethodGet, "/api/RequestStatus/"+mine.String()+"?onComplete=stream"); body != "well rested" {
		t.Errorf("streamed: %s %s", response.Status, body)
	}
}
