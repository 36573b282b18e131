package azure_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/azure/azuretest"
	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

func open(t *testing.T, settings azure.Storage, opts *azure.Options) *azure.Clients {
	t.Helper()
	c, err := settings.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// makeBoth makes a table and a container.
func makeBoth(t *testing.T, c *azure.Clients) {
	t.Helper()
	name := localazuretest.Name(t)
	if _, err := c.Tables.CreateTable(t.Context(), name, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Blobs.CreateContainer(t.Context(), name, nil); err != nil {
		t.Error(err)
	}
}

// TestKey states that a connection string opens both services with its key.
func TestKey(t *testing.T) {
	t.Parallel()
	c := open(t, azure.Storage{ConnectionString: localazuretest.Storage(t).ConnectionString()}, nil)
	if makeBoth(t, c); c.SharedKey == nil {
		t.Error("no shared key to sign with")
	}
}

// TestToken states that endpoints open both services with Entra credentials.
func TestToken(t *testing.T) {
	t.Parallel()
	azurite := localazuretest.Azurite(t, localazure.AzuriteOptions{HTTPS: true})
	t.Cleanup(azurite.HTTPClient().CloseIdleConnections)
	settings := azure.Storage{BlobEndpoint: azurite.BlobEndpoint(), TableEndpoint: azurite.TableEndpoint()}
	c := open(t, settings, &azure.Options{Credential: localazuretest.Credential{}, HTTPClient: azurite.HTTPClient()})
	if makeBoth(t, c); c.SharedKey != nil {
		t.Error("a shared key without a connection string")
	}
}

// TestDefaultEndpoints states which endpoints a connection string stands for.
func TestDefaultEndpoints(t *testing.T) {
	for text, want := range map[string]string{
		"AccountName=a;AccountKey=a2V5":                                                            "https://a.blob.core.windows.net/",
		"AccountName=a;AccountKey=a2V5;EndpointSuffix=core.usgovcloudapi.net":                      "https://a.blob.core.usgovcloudapi.net/",
		"AccountName=a;AccountKey=a2V5;DefaultEndpointsProtocol=http;BlobEndpoint=https://b.test/": "https://b.test/",
		"UseDevelopmentStorage=true":                                                               "http://127.0.0.1:10000/devstoreaccount1/",
	} {
		c := open(t, azure.Storage{ConnectionString: text}, nil)
		if got := strings.TrimSuffix(c.Blobs.URL(), "/") + "/"; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestWrongSettings states that no client is made of wrong settings.
func TestWrongSettings(t *testing.T) {
	storage, bus := azure.Storage{}, azure.ServiceBus{}
	if _, err := storage.Open(nil); err == nil || !strings.Contains(err.Error(), "STORAGE_CONNECTION_STRING") {
		t.Errorf("storage: %v", err)
	}
	if _, err := bus.Connector(nil); err == nil || !strings.Contains(err.Error(), "SERVICEBUS_CONNECTION_STRING") {
		t.Errorf("service bus: %v", err)
	}
}

// TestConnector states that each call makes a client of its own, from either
// kind of settings.
func TestConnector(t *testing.T) {
	for name, settings := range map[string]azure.ServiceBus{
		"connection string": {ConnectionString: goodServiceBus},
		"Entra":             {Namespace: "example.servicebus.windows.net"},
	} {
		connect, err := settings.Connector(&azure.Options{Credential: localazuretest.Credential{}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		first, err := connect()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if second, err := connect(); err != nil || second == first {
			t.Errorf("%s: the second client is the first, %v", name, err)
		}
	}
}

// TestDefaultCredential states that without a connection string and without
// other advice the environment's identity is used: here one that there is not,
// which is an error of the request, not of the start.
func TestDefaultCredential(t *testing.T) {
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
	t.Setenv("AZURE_TENANT_ID", "t")
	t.Setenv("AZURE_CLIENT_ID", "c")
	t.Setenv("AZURE_CLIENT_SECRET", "s")
	t.Setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1/")
	bus := azure.ServiceBus{Namespace: "example.servicebus.windows.net"}
	if _, err := bus.Connector(nil); err != nil {
		t.Errorf("service bus: %v", err)
	}
	c := open(t, azure.Storage{BlobEndpoint: "https://127.0.0.1:1", TableEndpoint: "https://127.0.0.1:1"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Tables.CreateTable(ctx, "x", nil); err == nil {
		t.Error("a request without a token was made")
	}
}

// TestStalledRequest states that a request is ended when nothing moves on it,
// whether that is the request or the answer, and tried again.
func TestStalledRequest(t *testing.T) {
	t.Parallel()
	account := localazuretest.Storage(t)
	proxy := azuretest.NewProxy(t, account.BlobEndpoint)
	account.BlobEndpoint = proxy.URL()
	c := open(t, azure.Storage{ConnectionString: account.ConnectionString()}, &azure.Options{StallTimeout: 200 * time.Millisecond})
	proxy.Inject(1, nil, azuretest.Hang)
	proxy.Inject(1, nil, azuretest.Stall(0))
	start := time.Now()
	if _, err := c.Blobs.CreateContainer(t.Context(), localazuretest.Name(t), nil); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	proxy.Inject(100, nil, azuretest.Hang)
	_, err := c.Blobs.CreateContainer(t.Context(), localazuretest.Name(t), nil)
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("all tries stalled: %v", err)
	}
}

// TestConnectionsAreKept states that as many connections are kept as there are
// calls at a time: a second wave of calls opens none.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const calls = 32
	var opened sync.Map
	var wave sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		wave.Done()
		wave.Wait() // until all calls are here
		w.WriteHeader(http.StatusCreated)
	}))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Store(c.RemoteAddr().String(), true)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := open(t, azure.Storage{ConnectionString: "AccountName=a;AccountKey=a2V5;BlobEndpoint=" + server.URL}, nil)
	for range 2 {
		wave.Add(calls)
		var callers sync.WaitGroup
		for range calls {
			callers.Go(func() {
				if _, err := c.Blobs.CreateContainer(t.Context(), "x", nil); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
	}
	n := 0
	opened.Range(func(any, any) bool { n++; return true })
	if n != calls {
		t.Errorf("two waves of %d calls opened %d connections", calls, n)
	}
}
