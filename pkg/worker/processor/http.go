package processor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// Headers that tell a backend which job it works on. The first is the name of
// the message's property, and Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header) has the same value: it is the
// same in every attempt.
const (
	headerRequestGUID    = "RequestGUID"
	headerRequestAttempt = "RequestAttempt"
	headerIdempotencyKey = "Idempotency-Key"
	headerTraceParent    = "traceparent"
	headerTraceState     = "tracestate"
)

// HTTPOptions are options of [HTTP].
type HTTPOptions struct {
	// Transport makes the requests. The default is one like
	// [http.DefaultTransport] that keeps more idle connections per host. It has
	// no time-out of its own: a backend may take as long as the operation's
	// attemptTimeout allows.
	Transport http.RoundTripper
}

// HTTP makes a handler that sends the payload to a backend and makes its
// answer the result. Both are streamed.
//
// A status of 200 to 299 is success. 408, 425, 429, 500 and above, and a
// connection that fails or breaks off are retried, not before the time that a
// Retry-After header names. Every other status fails the job for good; the
// body of a 4xx becomes the detail of the failure.
//
// A redirect is followed only to the same scheme, host and port: anywhere
// else the payload's answer and the headers, which may hold secrets, would go
// to somebody whom the operations file does not name.
func HTTP(config operation.HTTP, options *HTTPOptions) worker.Handler {
	var transport http.RoundTripper
	if options != nil {
		transport = options.Transport
	}
	if transport == nil {
		transport = newTransport()
	}
	return &httpHandler{config: config, client: &http.Client{Transport: transport, CheckRedirect: sameOrigin}}
}

func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = t.MaxIdleConns
	return t
}

// sameOrigin makes the client give back a redirect elsewhere as it is.
func sameOrigin(next *http.Request, via []*http.Request) error {
	const most = 10
	first := via[0].URL
	if len(via) >= most || next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

type httpHandler struct {
	config operation.HTTP
	client *http.Client
}

// Handle implements [worker.Handler].
func (h *httpHandler) Handle(ctx context.Context, j *worker.Job) error {
	body := &requestBody{payload: source{reader: j.Payload()}}
	defer body.end()
	request, err := h.request(ctx, j, body)
	if err != nil {
		return worker.Permanent(failed("The request to the backend could not be made.", err))
	}
	response, err := h.client.Do(request)
	switch {
	case err == nil:
		defer response.Body.Close()
		err = take(j, response)
	case body.failure() != nil:
		err = body.failure()
	default:
		err = failed("The backend could not be reached.", err)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (h *httpHandler) request(ctx context.Context, j *worker.Job, payload io.Reader) (*http.Request, error) {
	target, err := url.Parse(h.config.URL)
	if err != nil {
		return nil, err
	}
	target.RawQuery = strings.Trim(target.RawQuery+"&"+j.RawQuery, "&")
	if j.Size == 0 || h.config.Method == http.MethodGet || h.config.Method == http.MethodHead {
		payload = http.NoBody
	}
	request, err := http.NewRequestWithContext(ctx, h.config.Method, target.String(), payload)
	if err != nil {
		return nil, err
	}
	if payload != http.NoBody {
		request.ContentLength = j.Size
	}
	h.setHeaders(request, j)
	return request, nil
}

// setHeaders writes RequestGUID and its like past the canonical form, so that
// the pattern's names reach an HTTP/1.1 backend to the letter.
func (h *httpHandler) setHeaders(request *http.Request, j *worker.Job) {
	for name, value := range h.config.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	for name, value := range map[string]string{
		headerRequestGUID:    j.ID.String(),
		headerRequestAttempt: strconv.Itoa(j.Attempt),
		headerIdempotencyKey: j.ID.String(),
		headerTraceParent:    j.TraceParent,
		headerTraceState:     j.TraceState,
	} {
		if value != "" {
			request.Header[name] = []string{value}
		}
	}
	if j.ContentType != "" && request.Body != http.NoBody {
		request.Header.Set("Content-Type", j.ContentType)
	}
}

// requestBody gives the payload to the transport until the handler returns:
// the transport may still want to read after an early answer, which a job's
// payload does not allow.
type requestBody struct {
	mu      sync.Mutex
	payload source
	over    bool
}

// Read implements [io.Reader].
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, io.ErrClosedPipe
	}
	return b.payload.Read(p)
}

// failure gives the error of the payload itself, or nil.
func (b *requestBody) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.payload.err
}

func (b *requestBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// failed is an error whose cause goes to the log and not to the caller: it
// may name hosts and files that are no business of theirs.
func failed(message string, cause error) error {
	return &job.Error{Code: job.CodeHandlerFailed, Message: message, Err: cause}
}

// statusText names a status such as "404 Not Found".
func statusText(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}
