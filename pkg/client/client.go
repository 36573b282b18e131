package client

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of [Options].
const (
	DefaultRetryFor    = 2 * time.Minute
	DefaultIdleTimeout = 30 * time.Second
)

// Options are the settings of [New]. The zero value is usable.
type Options struct {
	// StatusURL is the base URL of the status service. With it [Client.Resume]
	// takes ids, and refuses tokens of other services.
	StatusURL string

	// Prepare is called before each request to the acceptor and the status
	// service, retries included. It may add headers, such as Authorization; its
	// error ends the call. Requests to storage do not pass it.
	Prepare func(r *http.Request) error

	// Transport sends the requests to the services. Nil: one of the client's
	// own, with the settings of [http.DefaultTransport].
	Transport http.RoundTripper

	// StorageTransport sends the requests to storage, which need no
	// credentials and must not have any. Nil: one of the client's own.
	StorageTransport http.RoundTripper

	// ThroughService has results come by way of the status service, where the
	// client cannot reach storage.
	ThroughService bool

	// RetryFor is how long a request may go on failing before the call gives
	// up; default [DefaultRetryFor], negative: no retries.
	RetryFor time.Duration

	// IdleTimeout is how long a connection may be silent before the request
	// counts as lost; default [DefaultIdleTimeout]. Transfers that make progress
	// may take as long as they like.
	IdleTimeout time.Duration

	// OnRetry, if set, is told why a request will be sent again, and when. It is
	// called wherever the client is used, so several times at once if that is.
	OnRetry func(err error, delay time.Duration)
}

// Client calls an acceptor, and the status service that it names. It is safe
// for concurrent use.
type Client struct {
	acceptor  string
	statusURL *url.URL // or nil
	options   Options
	services  http.RoundTripper
	storage   http.RoundTripper
}

// New makes a client of the acceptor at the given base URL. It makes no
// request. acceptor may be "" for a client that only resumes jobs; opts may be
// nil.
func New(acceptor string, opts *Options) (*Client, error) {
	c := &Client{}
	if opts != nil {
		c.options = *opts
	}
	if acceptor != "" {
		base, err := parseBase(acceptor)
		if err != nil {
			return nil, fmt.Errorf("client: acceptor: %w", err)
		}
		c.acceptor = base.String()
	}
	if c.options.StatusURL != "" {
		var err error
		if c.statusURL, err = parseBase(c.options.StatusURL); err != nil {
			return nil, fmt.Errorf("client: Options.StatusURL: %w", err)
		}
	}
	c.options.RetryFor = cmp.Or(c.options.RetryFor, DefaultRetryFor)
	c.options.IdleTimeout = cmp.Or(max(c.options.IdleTimeout, 0), DefaultIdleTimeout)
	c.services, c.storage = c.options.Transport, c.options.StorageTransport
	if c.services == nil {
		c.services = newTransport()
	}
	if c.storage == nil {
		c.storage = newTransport()
	}
	return c, nil
}

// CloseIdleConnections closes the connections that nobody uses at the moment.
func (c *Client) CloseIdleConnections() {
	for _, transport := range []http.RoundTripper{c.services, c.storage} {
		(&http.Client{Transport: transport}).CloseIdleConnections()
	}
}

// newTransport gives a transport that nothing else can add credentials to.
func newTransport() http.RoundTripper {
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		return transport.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
}

// parseBase reads an absolute URL that paths can be appended to.
func parseBase(text string) (*url.URL, error) {
	u, err := parseAbsolute(text)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" {
		return nil, fmt.Errorf("%q has a query", text)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func parseAbsolute(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%q is not an absolute http or https URL without credentials", text)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}
