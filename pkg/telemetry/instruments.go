package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Boundaries of histograms, in seconds: of requests, and of what may take from
// milliseconds to days.
var (
	requestSeconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	jobSeconds     = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400}
)

// instruments are the metrics. Units are seconds.
type instruments struct {
	requests metric.Float64Histogram
	accepted metric.Int64Counter
	waited   metric.Float64Histogram
	attempts metric.Float64Histogram
	jobs     metric.Float64Histogram
}

func newInstruments(m metric.Meter) (i instruments, err error) {
	var failures []error
	histogram := func(name, does string, bounds []float64) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(does), metric.WithExplicitBucketBoundaries(bounds...))
		failures = append(failures, err)
		return h
	}
	i.requests = histogram("http.server.request.duration", "Duration of POSTs to the acceptor.", requestSeconds)
	i.waited = histogram("asyncreply.queue.wait", "From the request to its first delivery to a worker.", jobSeconds)
	i.attempts = histogram("asyncreply.attempt.duration", "Duration of one run of a handler.", jobSeconds)
	i.jobs = histogram("asyncreply.job.duration", "From a job's first attempt to its end, pauses included.", jobSeconds)
	i.accepted, err = m.Int64Counter("asyncreply.requests.accepted", metric.WithUnit("{request}"), metric.WithDescription("Requests answered with 202."))
	return i, errors.Join(append(failures, err)...)
}

// operationKey is the attribute that names the operation.
const operationKey = attribute.Key("asyncreply.operation")

// Received tells how long a request waited for a worker.
func (t *Telemetry) Received(operation string, waited time.Duration) {
	t.instruments.waited.Record(context.Background(), waited.Seconds(), metric.WithAttributes(operationKey.String(operation)))
}

// Ended tells how long a job took.
func (t *Telemetry) Ended(operation string, took time.Duration) {
	t.instruments.jobs.Record(context.Background(), took.Seconds(), metric.WithAttributes(operationKey.String(operation)))
}
