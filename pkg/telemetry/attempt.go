package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Message is what is told of a message whose job is attempted.
type Message struct {
	RequestGUID string
	Operation   string
	Attempt     int

	TraceParent string // of the span that sent it (W3C Trace Context), or ""
	TraceState  string
}

// Attempt is one run of a handler that is under way.
type Attempt struct {
	telemetry *Telemetry
	operation string
	began     time.Time
	span      trace.Span

	// TraceParent and TraceState are for what the handler calls.
	TraceParent, TraceState string
}

// The keys of W3C Trace Context.
const (
	traceParentKey = "traceparent"
	traceStateKey  = "tracestate"
)

// Begin tells that a handler begins, below the span that sent the message.
func (t *Telemetry) Begin(ctx context.Context, m Message) (context.Context, *Attempt) {
	carrier := propagation.MapCarrier{traceParentKey: m.TraceParent, traceStateKey: m.TraceState}
	ctx, span := t.tracer.Start(t.propagator.Extract(ctx, carrier), "process "+m.Operation,
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("messaging.system", "servicebus"),
			attribute.String("messaging.operation.type", "process"),
			attribute.Int("asyncreply.attempt", m.Attempt),
			operationKey.String(m.Operation), requestGUIDKey.String(m.RequestGUID),
		))
	own := propagation.MapCarrier{}
	t.propagator.Inject(ctx, own)
	return ctx, &Attempt{
		telemetry: t, operation: m.Operation, began: time.Now(), span: span,
		TraceParent: own[traceParentKey], TraceState: own[traceStateKey],
	}
}

// End tells how the handler ended. What its error says stays with the service:
// it may be of the payload. code is a stable word for it, "" for none.
func (a *Attempt) End(code string) {
	attributes := []attribute.KeyValue{operationKey.String(a.operation)}
	if code != "" {
		failure := attribute.String("error.type", code)
		a.span.SetAttributes(failure)
		a.span.SetStatus(codes.Error, "")
		attributes = append(attributes, failure)
	}
	a.telemetry.instruments.attempts.Record(context.Background(), time.Since(a.began).Seconds(), metric.WithAttributes(attributes...))
	a.span.End()
}
