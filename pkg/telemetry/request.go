package telemetry

import (
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// route is what requests are posted to.
const route = "/api/{operation}"

// Handler tells of the requests that are posted to an acceptor, and passes
// everything to next. The request that next sees is of the span's trace, so
// that what next starts is below it. A nil Telemetry gives next itself.
func (t *Telemetry) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation, ok := strings.CutPrefix(r.URL.Path, "/api/")
		if r.Method != http.MethodPost || !ok {
			next.ServeHTTP(w, r)
			return
		}
		t.serve(next, w, r, operation)
	})
}

func (t *Telemetry) serve(next http.Handler, w http.ResponseWriter, r *http.Request, operation string) {
	began := time.Now()
	header := propagation.HeaderCarrier(r.Header)
	ctx, span := t.tracer.Start(t.propagator.Extract(r.Context(), header), "POST "+route,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", http.MethodPost),
			attribute.String("http.route", route),
			attribute.String("url.path", r.URL.Path),
		))
	defer span.End()
	r = r.WithContext(ctx)
	r.Header = r.Header.Clone()
	t.propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
	answer := &answer{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(answer, r)

	status := attribute.Int("http.response.status_code", answer.status)
	span.SetAttributes(status)
	if answer.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(answer.status))
	}
	if answer.status == http.StatusAccepted {
		span.SetAttributes(operationKey.String(operation), requestGUID(w.Header()))
		t.instruments.accepted.Add(ctx, 1, metric.WithAttributes(operationKey.String(operation)))
	}
	t.instruments.requests.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(
		attribute.String("http.request.method", http.MethodPost), attribute.String("http.route", route), status))
}

// requestGUIDKey is the attribute that names the job, as the log does.
const requestGUIDKey = attribute.Key("RequestGUID")

// requestGUID reads the job's id off the URL of its status.
func requestGUID(header http.Header) attribute.KeyValue {
	location, _, _ := strings.Cut(header.Get("Location"), "?")
	return requestGUIDKey.String(location[strings.LastIndex(location, "/")+1:])
}

// answer notes the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] set deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
