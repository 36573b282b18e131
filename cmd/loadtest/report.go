package main

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// report is what a run measured.
type report struct {
	Mode         string           `json:"mode"`
	URL          string           `json:"url"`
	Connections  int              `json:"connections"`
	Rate         float64          `json:"rate"`    // asked for; 0: closed loop
	Seconds      float64          `json:"seconds"` // that were counted, the last answer included
	Requests     int64            `json:"requests"`
	Errors       int64            `json:"errors"`    // requests that got another answer than they were to get, or none
	PerSecond    float64          `json:"perSecond"` // good answers
	Statuses     map[string]int64 `json:"statuses"`
	ErrorSamples []string         `json:"errorSamples"`
	Latency      latencies        `json:"latencyMs"` // of good answers
	Unsent       int64            `json:"unsent"`    // requests that were due and never sent, for all callers were busy
	Interrupted  bool             `json:"interrupted"`
	Jobs         *jobReport       `json:"jobs,omitempty"`
}

// jobReport is what became of the jobs.
type jobReport struct {
	Accepted    int64     `json:"accepted"`
	Succeeded   int64     `json:"succeeded"`
	Failed      int64     `json:"failed"`
	Canceled    int64     `json:"canceled"`
	Unfinished  int64     `json:"unfinished"`
	PerSecond   float64   `json:"perSecond"` // ends
	Polls       int64     `json:"polls"`
	PollErrors  int64     `json:"pollErrors"`
	PollsPerJob polls     `json:"pollsPerJob"`
	Latency     latencies `json:"latencyMs"` // from when the request was due to the poll that saw the end
}

// latencies are in milliseconds.
type latencies struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// polls are numbers of polls that a job took.
type polls struct {
	P50 int64 `json:"p50"`
	P90 int64 `json:"p90"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// report tells what was counted.
func (l *loadTest) report(sum *counts, when span, unsent int64, interrupted bool) *report {
	r := &report{
		Mode: l.options.mode, URL: l.base, Connections: l.options.connections, Rate: l.options.rate,
		Requests: sum.requests, Errors: sum.errors, Unsent: unsent, Interrupted: interrupted,
		Statuses: map[string]int64{}, ErrorSamples: append([]string{}, sum.samples...), Latency: latenciesOf(sum.latency),
	}
	counted := l.counted(sum, when)
	r.Seconds = counted.Seconds()
	r.PerSecond = perSecond(sum.requests-sum.errors, counted)
	for status, n := range sum.statuses {
		r.Statuses[strconv.Itoa(status)] = n
	}
	if j := sum.jobs; j != nil {
		r.Jobs = &jobReport{
			Accepted: j.accepted, Succeeded: j.succeeded, Failed: j.failed, Canceled: j.canceled, Unfinished: j.pending(),
			PerSecond: perSecond(j.ends(), j.lastEnd.Sub(when.counting)), Polls: j.polls, PollErrors: j.pollErrors,
			PollsPerJob: pollsOf(j.perJob), Latency: latenciesOf(j.latency),
		}
	}
	return r
}

// counted is the time that was counted: until the last answer, and no less than
// was asked for unless the run ended early.
func (l *loadTest) counted(sum *counts, when span) time.Duration {
	end := sum.lastAnswer
	if early := l.options.count > 0 && sum.requests >= l.options.count; !early && time.Now().After(when.end) {
		end = later(end, when.end)
	}
	return max(end.Sub(when.counting), 0)
}

func perSecond(n int64, d time.Duration) float64 {
	if n == 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

func latenciesOf(h *hdrhistogram.Histogram) latencies {
	if h.TotalCount() == 0 {
		return latencies{}
	}
	at := func(percentile float64) float64 { return float64(h.ValueAtPercentile(percentile)) / 1000 }
	return latencies{
		Min: float64(h.Min()) / 1000, Mean: h.Mean() / 1000, P50: at(50), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9),
		Max: float64(h.Max()) / 1000,
	}
}

func pollsOf(h *hdrhistogram.Histogram) polls {
	if h.TotalCount() == 0 {
		return polls{}
	}
	return polls{h.ValueAtPercentile(50), h.ValueAtPercentile(90), h.ValueAtPercentile(99), h.Max()}
}

// write writes the report to where the options say.
func (r *report) write(o *options, stdout io.Writer) error {
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		text = append(text, '\n')
		if o.json == "-" {
			_, err = stdout.Write(text)
			return err
		}
		if err := os.WriteFile(o.json, text, 0o644); err != nil {
			return err
		}
	}
	return r.print(stdout)
}
