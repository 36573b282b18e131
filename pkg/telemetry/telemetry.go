// Package telemetry sends traces and metrics to an OpenTelemetry collector, by
// OTLP over HTTP, where the environment asks for it. Where it does not, a
// service has no [Telemetry], and wires nothing up that could cost anything.
//
// A request is one trace, from the caller's span, if there is one, over that of
// the POST to those of the attempts that workers make: the POST's span travels
// in the message. Polls are not traced: they are many, and say nothing that the
// spans of the attempts do not.
//
// What is told waits in memory and leaves in batches, aside. A collector that is
// slow or away costs the service nothing but a line in the log now and then.
package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names who tells.
const scope = "github.com/asyncreply/asyncreply/pkg/telemetry"

// complainEvery is how often the log is told that telemetry cannot be sent.
const complainEvery = time.Minute

// Telemetry sends what a service tells it. It is safe for concurrent use.
type Telemetry struct {
	tracer      trace.Tracer
	propagator  propagation.TraceContext // W3C Trace Context
	instruments instruments

	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
}

func start(ctx context.Context, endpoint, service, version string, log *slog.Logger) (*Telemetry, error) {
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"))
	if err != nil {
		return nil, err
	}
	numbers, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(endpoint+"/v1/metrics"))
	if err != nil {
		return nil, err
	}
	who, err := identify(ctx, service, version)
	if err != nil {
		return nil, err
	}
	complainTo(log)
	t := &Telemetry{
		traces:  sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans), sdktrace.WithResource(who)),
		metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(numbers)), sdkmetric.WithResource(who)),
	}
	t.tracer = t.traces.Tracer(scope)
	t.instruments, err = newInstruments(t.metrics.Meter(scope))
	return t, err
}

// identify tells this process from others. What the environment says wins.
func identify(ctx context.Context, service, version string) (*resource.Resource, error) {
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", service),
		attribute.String("service.version", version),
		attribute.String("service.instance.id", rand.Text()),
	), resource.WithFromEnv())
}

// complainTo has the SDK, whose complaints are the process's, write to log.
func complainTo(log *slog.Logger) {
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	var last atomic.Int64 // unix nanoseconds
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now(), last.Load()
		if now.Sub(time.Unix(0, before)) >= complainEvery && last.CompareAndSwap(before, now.UnixNano()) {
			log.Warn("sending telemetry failed", "error", err)
		}
	}))
}

// Close sends what is waiting, as far as ctx leaves time. Nil has nothing to
// send.
func (t *Telemetry) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
}
