package status_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
	"github.com/asyncreply/asyncreply/pkg/web"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

var (
	_ status.Records = (*tablestore.Store)(nil)
	_ status.Results = (*blobstore.Container)(nil)
	_ status.Signer  = (*blobstore.Signer)(nil)
)

// fixture is a status service over real HTTP with real storage behind it.
type fixture struct {
	t       *testing.T
	base    string
	ring    *job.KeyRing
	store   *tablestore.Store
	results *blobstore.Container
	reads   *readCounter
	service *status.Service
	echo    *echo.Echo
	client  *http.Client // follows no redirects
}

func newFixture(t *testing.T, change func(*status.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, reads: &readCounter{}, echo: web.New(nil)}
	var err error
	if f.ring, err = job.NewKeyRing(bytes.Repeat([]byte{7}, job.MinKeyLength)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(f.echo)
	f.base = "http://" + server.Listener.Addr().String()
	options := &status.Options{BaseURL: f.base, Keys: f.ring}
	f.connect(options)
	if change != nil {
		change(options)
	}
	if f.service, err = status.New(options); err != nil {
		t.Fatal(err)
	}
	f.service.Register(f.echo)
	server.Start()
	f.client = server.Client()
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		f.service.Close()
		server.Close()
	})
	return f
}

// with gives the fixture to a subtest.
func (f *fixture) with(t *testing.T) *fixture {
	own := *f
	own.t = t
	return &own
}

// connect makes stores of the test's own in the shared Azurite.
func (f *fixture) connect(o *status.Options) {
	f.t.Helper()
	name := localazuretest.Name(f.t)
	storage := localazuretest.Storage(f.t)
	connection := storage.ConnectionString()
	tables, err := aztables.NewServiceClientFromConnectionString(connection, &aztables.ClientOptions{
		ClientOptions: policy.ClientOptions{PerCallPolicies: []policy.Policy{f.reads}},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.store = tablestore.New(tables, &tablestore.Options{TablePrefix: name})
	blobs, err := azblob.NewClientFromConnectionString(connection, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.results = blobstore.New(blobs, &blobstore.Options{ResultContainer: name}).Results()
	if err := f.results.Ensure(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	key, err := azblob.NewSharedKeyCredential(storage.AccountName, storage.AccountKey)
	if err != nil {
		f.t.Fatal(err)
	}
	o.Records, o.Results = f.store, f.results
	o.Signer = blobstore.NewSigner(blobs, key, &blobstore.SignerOptions{Container: name})
}

// readCounter counts the reads of job records that reach storage.
type readCounter struct{ count atomic.Int64 }

func (r *readCounter) Do(request *policy.Request) (*http.Response, error) {
	if request.Raw().Method == http.MethodGet {
		r.count.Add(1)
	}
	return request.Next()
}

// issue gives a genuine id of the given age.
func (f *fixture) issue(age time.Duration) job.ID {
	return job.NewIssuer(f.ring, func() time.Time { return time.Now().Add(-age) }).Issue("")
}

// foreignID gives an id as other programs make them (UUIDv4).
func foreignID() job.ID {
	var id job.ID
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func message(id job.ID) *job.Message {
	return &job.Message{ID: id, Operation: "thumbnail", SubmittedAt: time.Now().UTC().Truncate(time.Millisecond)}
}

func (f *fixture) insert(r job.Record) job.Record {
	f.t.Helper()
	if err := f.store.Insert(f.t.Context(), &r); err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *fixture) update(r job.Record, err error) job.Record {
	f.t.Helper()
	if err == nil {
		err = f.store.Update(f.t.Context(), &r)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// run stores a running job.
func (f *fixture) run(id job.ID) job.Record { return f.insert(job.Claim(message(id), time.Now())) }

// succeed stores content as a result and ends the job with it.
func (f *fixture) succeed(r job.Record, content, contentType, fileName string) job.Record {
	f.t.Helper()
	blob := r.ID.Day() + "/" + r.ID.String() + "/1-" + localazuretest.Name(f.t)
	p := job.BlobProperties{ContentType: contentType, FileName: fileName}
	if err := f.results.Put(f.t.Context(), blob, strings.NewReader(content), p); err != nil {
		f.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(content))
	return f.update(r.Succeed(job.Result{
		Blob: blob, Size: int64(len(content)), ContentType: contentType, SHA256: hex.EncodeToString(sum[:]), FileName: fileName,
	}, time.Now()))
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

func (f *fixture) do(method, target string, headers ...string) answer {
	f.t.Helper()
	return f.try(f.t.Context(), method, target, headers...)
}

// try sends a request; headers are names and values in turn.
func (f *fixture) try(ctx context.Context, method, target string, headers ...string) answer {
	f.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = f.base + target
	}
	request, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := f.client.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, target, err)
	}
	return answer{Response: response, body: body}
}

func (f *fixture) get(target string, headers ...string) answer {
	f.t.Helper()
	return f.do(http.MethodGet, target, headers...)
}

func statusPath(id job.ID) string    { return "/api/RequestStatus/" + id.String() }
func operationPath(id job.ID) string { return "/api/operations/" + id.String() }

// json gives the body as a JSON object.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.body, &object); err != nil {
		t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
	}
	return object
}

func (a answer) wantStatus(t *testing.T, want int) {
	t.Helper()
	if a.StatusCode != want {
		t.Fatalf("%s %s = %d, want %d\n%s", a.Request.Method, a.Request.URL, a.StatusCode, want, a.body)
	}
}

func (a answer) wantHeader(t *testing.T, name, want string) {
	t.Helper()
	if got := a.Header.Get(name); got != want {
		t.Errorf("%s %s: %s = %q, want %q", a.Request.Method, a.Request.URL, name, got, want)
	}
}

// wantMembers checks members of an object; nil means that it is absent.
func wantMembers(t *testing.T, object map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if got := object[name]; got != value {
			t.Errorf("member %s = %v, want %v", name, got, value)
		}
	}
}
