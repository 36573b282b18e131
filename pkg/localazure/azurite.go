package localazure

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// saveTimeout is how long Close lets Azurite save its data.
const saveTimeout = 10 * time.Second

// AzuriteOptions change how StartAzurite starts Azurite. The zero value keeps everything in memory, on free ports.
type AzuriteOptions struct {
	// CacheDir is the folder that keeps the installation; by default asyncreply in os.UserCacheDir.
	CacheDir string

	// DataDir is a folder to keep the data in, made if need be; only one Azurite may use it at a time. Azurite saves
	// every 5 s and when it is closed. By default all data is in memory and lost at the end.
	DataDir string

	// The ports to listen on; 0 is a free one.
	BlobPort, QueuePort, TablePort int

	// HTTPS makes Azurite speak TLS, with a certificate made for the occasion, and accept OAuth tokens (whose
	// signature it does not check). User-delegation SAS needs it. Clients must trust Azurite.CertPool.
	HTTPS bool

	// Log receives what npm and Azurite print; by default it is kept only for error messages.
	Log io.Writer
}

// Azurite is a running Azurite.
type Azurite struct {
	storage  Storage
	identity *identity // nil without HTTPS
	client   *http.Client
	process  *process
	inMemory bool
	lock     *fileLock // on the data folder
}

// StartAzurite installs Azurite if need be, starts it, and returns when all its services answer. The context limits
// the start only. opts may be nil. A port that is taken gives an error that is syscall.EADDRINUSE.
func StartAzurite(ctx context.Context, opts *AzuriteOptions) (*Azurite, error) {
	if opts == nil {
		opts = new(AzuriteOptions)
	}
	node, err := findNode()
	if err != nil {
		return nil, err
	}
	dir, err := installation(ctx, opts.CacheDir, opts.Log)
	if err != nil {
		return nil, err
	}
	a := &Azurite{inMemory: opts.DataDir == ""}
	if err := a.start(ctx, node, dir, opts); err != nil {
		a.lock.unlock()
		return nil, err
	}
	return a, nil
}

// Storage returns where the account answers.
func (a *Azurite) Storage() Storage { return a.storage }

// ConnectionString returns the connection string of the account.
func (a *Azurite) ConnectionString() string { return a.storage.ConnectionString() }

// BlobEndpoint returns the URL of the account's blobs, as in http://127.0.0.1:10000/devstoreaccount1.
func (a *Azurite) BlobEndpoint() string { return a.storage.BlobEndpoint }

// TableEndpoint returns the URL of the account's tables, as in http://127.0.0.1:10002/devstoreaccount1.
func (a *Azurite) TableEndpoint() string { return a.storage.TableEndpoint }

// ProductStyleBlobEndpoint returns the URL of the account's blobs with the account in the host name, as Azure has it:
// https://devstoreaccount1.blob.localhost:10000. The SDK needs this form to sign a user-delegation SAS. Such names
// resolve in browsers; HTTPClient resolves them itself.
func (a *Azurite) ProductStyleBlobEndpoint() string {
	scheme, rest, _ := strings.Cut(a.storage.BlobEndpoint, "://127.0.0.1")
	return scheme + "://" + accountName + ".blob.localhost" + strings.TrimSuffix(rest, "/"+accountName)
}

// HTTPClient returns a client that trusts Azurite's certificate and knows the hosts of product-style URLs. Close ends
// its idle connections.
func (a *Azurite) HTTPClient() *http.Client { return a.client }

// CertPool returns the certificate to trust, nil without HTTPS.
func (a *Azurite) CertPool() *x509.CertPool {
	if a.identity == nil {
		return nil
	}
	return a.identity.pool()
}

// CertPEM returns the certificate to trust in PEM, for other processes (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS); it is
// nil without HTTPS.
func (a *Azurite) CertPEM() []byte {
	if a.identity == nil {
		return nil
	}
	return a.identity.certPEM
}

// PID returns the number of Azurite's process, whose processor time may be of interest.
func (a *Azurite) PID() int { return a.process.cmd.Process.Pid }

// Done returns a channel that is closed when Azurite has ended, by Close or by itself.
func (a *Azurite) Done() <-chan struct{} { return a.process.done }

// Err returns nil while Azurite runs, and an error that quotes what it printed last once it has ended.
func (a *Azurite) Err() error {
	select {
	case <-a.process.done:
		return fmt.Errorf("localazure: Azurite ended (%v): %s", a.process.cmd.ProcessState, a.process.output.last())
	default:
		return nil
	}
}

// Close ends Azurite, having it save its data if it keeps any, and returns when its process is gone. It fails if the
// data could not be saved in time. It may be called more than once.
func (a *Azurite) Close() error {
	saved := true
	if a.inMemory {
		a.process.kill()
	} else {
		saved = a.process.stop(saveTimeout)
	}
	a.lock.unlock()
	a.client.CloseIdleConnections()
	if !saved {
		return fmt.Errorf("localazure: Azurite was killed: it had not saved its data within %v", saveTimeout)
	}
	return nil
}
