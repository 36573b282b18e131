package azure

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
)

// applicationID is how requests name their program to Azure.
const applicationID = "asyncreply"

// Options configure the making of clients. The zero value, or nil, is usable.
type Options struct {
	// Credential is used where there is no connection string,
	// DefaultAzureCredential if nil.
	Credential azcore.TokenCredential
	// Concurrency is the number of requests at a time for which connections are
	// kept, 64 if zero.
	Concurrency int
	// StallTimeout is how long a request may go without a byte moving before it
	// is tried again, 4 s if zero.
	StallTimeout time.Duration
	// HTTPClient makes the requests to storage; nil: one made for the purpose.
	HTTPClient *http.Client
}

func (o *Options) credential() (azcore.TokenCredential, error) {
	if o != nil && o.Credential != nil {
		return o.Credential, nil
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("find Entra credentials: %w", err)
	}
	return credential, nil
}

// Clients are the clients of a storage account.
type Clients struct {
	Blobs  *azblob.Client
	Tables *aztables.ServiceClient
	// SharedKey signs for the account; nil with Entra credentials.
	SharedKey *azblob.SharedKeyCredential

	transport *transport
}

// Open makes the clients. It makes no request.
func (c *Storage) Open(opts *Options) (*Clients, error) {
	var wrong problems
	if c.checkAccount(&wrong); len(wrong) > 0 {
		return nil, wrong.join()
	}
	if opts == nil {
		opts = &Options{}
	}
	if c.ConnectionString == "" {
		return c.openWithToken(opts)
	}
	return c.openWithKey(opts)
}

func (c *Storage) openWithKey(opts *Options) (*Clients, error) {
	a, err := parseAccount(c.ConnectionString)
	if err != nil {
		return nil, err
	}
	clients := &Clients{transport: newTransport(opts, strings.HasPrefix(a.blobEndpoint, "http:"))}
	blobs, tables := clients.transport.options()
	if clients.SharedKey, err = azblob.NewSharedKeyCredential(a.name, a.key); err != nil {
		return nil, err
	}
	if clients.Blobs, err = azblob.NewClientWithSharedKeyCredential(a.blobEndpoint, clients.SharedKey, blobs); err != nil {
		return nil, err
	}
	tableKey, err := aztables.NewSharedKeyCredential(a.name, a.key)
	if err != nil {
		return nil, err
	}
	clients.Tables, err = aztables.NewServiceClientWithSharedKey(a.tableEndpoint, tableKey, tables)
	return clients, err
}

func (c *Storage) openWithToken(opts *Options) (*Clients, error) {
	credential, err := opts.credential()
	if err != nil {
		return nil, err
	}
	clients := &Clients{transport: newTransport(opts, false)}
	blobs, tables := clients.transport.options()
	if clients.Blobs, err = azblob.NewClient(c.BlobEndpoint, credential, blobs); err != nil {
		return nil, err
	}
	clients.Tables, err = aztables.NewServiceClient(c.TableEndpoint, credential, tables)
	return clients, err
}

// tryTimeout bounds one try of a request to Table storage, whose answers are
// small. A blob takes as long as it takes, as long as bytes move.
const tryTimeout = 10 * time.Second

// options gives what the SDKs are to do about failures: the tries of a request
// are theirs, and few and quick, for whoever asked is waiting.
func (t *transport) options() (*azblob.ClientOptions, *aztables.ClientOptions) {
	common := azcore.ClientOptions{
		Transport: t,
		Telemetry: policy.TelemetryOptions{ApplicationID: applicationID},
		Retry:     policy.RetryOptions{MaxRetries: 3, RetryDelay: 100 * time.Millisecond, MaxRetryDelay: time.Second},
	}
	tables := common
	tables.Retry.TryTimeout = tryTimeout
	return &azblob.ClientOptions{ClientOptions: common}, &aztables.ClientOptions{ClientOptions: tables}
}

// Close gives back idle connections. Requests must have ended.
func (c *Clients) Close() { c.transport.client.CloseIdleConnections() }

func newTransport(opts *Options, plainHTTP bool) *transport {
	t := &transport{client: opts.HTTPClient, stall: cmp.Or(opts.StallTimeout, 4*time.Second)}
	if t.client == nil {
		t.client = &http.Client{Transport: newHTTPTransport(cmp.Or(opts.Concurrency, 64), plainHTTP)}
	}
	return t
}
