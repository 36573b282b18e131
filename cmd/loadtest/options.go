package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

// What a run does.
const (
	modeSubmit = "submit"
	modePoll   = "poll"
	modeJob    = "job"
)

// environment is what only the environment says, for others can see the
// arguments of a process.
type environment struct {
	Token string `env:"LOADTEST_TOKEN" help:"bearer token that goes with each request"`
}

// options say what a run is like.
type options struct {
	environment
	url, mode         string
	allowRemote       bool
	operations        mix
	payload           string
	size              int
	pollURLs, urlsOut string
	wait, drain       time.Duration

	connections            int
	rate                   float64
	ramp, warmup, duration time.Duration
	count                  int64
	timeout                time.Duration
	headers                http.Header

	json  string
	quiet bool
}

func defaults() options {
	return options{
		url: "http://127.0.0.1:8080", mode: modeSubmit, operations: mix{{name: "customer", weight: 1}}, size: 1024,
		connections: 64, duration: 10 * time.Second, drain: time.Minute, timeout: 30 * time.Second, headers: http.Header{},
	}
}

func (o *options) flags(f *flag.FlagSet) {
	o.targetFlags(f)
	o.loadFlags(f)
	f.StringVar(&o.json, "json", o.json, "write the report as JSON to `FILE`, or with - to standard output in place of the text")
	f.BoolVar(&o.quiet, "quiet", o.quiet, "show no progress")
	f.StringVar(&o.urlsOut, "urls-out", o.urlsOut, "write the status URL of each accepted request to `FILE`, one a line")
}

func (o *options) targetFlags(f *flag.FlagSet) {
	f.StringVar(&o.url, "url", o.url, "base `URL` of the acceptor (default "+o.url+")")
	f.BoolVar(&o.allowRemote, "allow-remote", o.allowRemote, "load hosts other than this one; ask whoever runs them first")
	f.StringVar(&o.mode, "mode", o.mode, "`MODE`: submit (POST only), poll (GET of --poll-urls), or job (POST, then follow the job to its end) (default submit)")
	f.Var(&o.operations, "operation", "operations to submit, `NAME[=WEIGHT],…`; a name may have a query, as in customer?duration=2s=3 (default customer)")
	f.StringVar(&o.payload, "payload", o.payload, "`FILE` to send")
	f.IntVar(&o.size, "size", o.size, "without --payload: `BYTES` of JSON to send, which the operation customer takes (default 1024)")
	f.StringVar(&o.pollURLs, "poll-urls", o.pollURLs, "mode poll: `FILE` with a URL a line, visited in turn; redirects are not followed")
	f.Func("wait", "mode job: let the service hold each poll for `D` (Prefer: wait), in place of honouring Retry-After", func(text string) (err error) {
		o.wait, err = seconds(text)
		return err
	})
	f.DurationVar(&o.drain, "drain", o.drain, "mode job: follow jobs for `D` at most after the last request (default 1m)")
	f.Func("header", "header to send, `'Name: value'`; may be given several times", o.addHeader)
}

func (o *options) loadFlags(f *flag.FlagSet) {
	f.IntVar(&o.connections, "connections", o.connections, "callers, `N`, each with a connection and one request at a time, in mode job one job at a time (default 64)")
	f.Float64Var(&o.rate, "rate", o.rate, "start `R` requests a second, at most --connections at a time; latency counts from when each was due")
	f.DurationVar(&o.ramp, "ramp", o.ramp, "let callers, or the rate, rise evenly over `D` from the start")
	f.DurationVar(&o.warmup, "warmup", o.warmup, "load for `D` before counting")
	f.DurationVar(&o.duration, "duration", o.duration, "count for `D` (default 10s)")
	f.Int64Var(&o.count, "count", o.count, "stop after `N` counted requests, if --duration has not passed before")
	f.DurationVar(&o.timeout, "timeout", o.timeout, "wait for an answer for `D` at most (default 30s)")
}

// seconds reads a duration, or a number of seconds.
func seconds(text string) (time.Duration, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	return time.ParseDuration(text)
}

func (o *options) addHeader(text string) error {
	name, value, ok := strings.Cut(text, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return errors.New("it is not Name: value")
	}
	if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name == "Host" || name == "Content-Length" {
		return fmt.Errorf("%s follows from what is sent, and where to", name)
	}
	o.headers.Add(name, strings.TrimSpace(value))
	return nil
}

// check gives an error that names each wrong option.
func (o *options) check() error {
	var wrong []error
	no := func(bad bool, name, format string, args ...any) {
		if bad {
			wrong = append(wrong, settings.Wrong(name, fmt.Errorf(format, args...)))
		}
	}
	no(o.mode != modeSubmit && o.mode != modePoll && o.mode != modeJob, "--mode", "%q is not submit, poll or job", o.mode)
	no((o.mode == modePoll) != (o.pollURLs != ""), "--poll-urls", "goes with --mode poll, and --mode poll with it")
	no(o.mode == modePoll && o.urlsOut != "", "--urls-out", "polls are not accepted, so there is nothing to write")
	no(o.mode != modeJob && o.wait != 0, "--wait", "goes with --mode job")
	no(o.wait != 0 && o.wait < time.Second, "--wait", "%v is less than a second", o.wait)
	no(o.connections < 1 || o.connections > 100_000, "--connections", "%d is not between 1 and 100000", o.connections)
	no(!(o.rate >= 0 && o.rate <= 1e6), "--rate", "%g is not between 0 and 1000000", o.rate)
	no(o.size < minPayload || o.size > maxPayload, "--size", "%d is not between %d and %d", o.size, minPayload, maxPayload)
	no(o.duration <= 0, "--duration", "%v is not above zero", o.duration)
	no(o.timeout <= 0, "--timeout", "%v is not above zero", o.timeout)
	no(o.ramp < 0 || o.warmup < 0 || o.drain < 0 || o.count < 0, "--ramp, --warmup, --drain, --count", "none may be negative")
	if o.mode != modePoll {
		wrong = append(wrong, settings.Valid("--url", o.admit(o.url)))
	}
	return settings.Check(wrong...)
}

// admit refuses what is not an absolute http URL on this host, unless remote
// hosts are allowed.
func (o *options) admit(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not an absolute http URL", address)
	}
	return o.admitHost(u)
}

func (o *options) admitHost(u *url.URL) error {
	if o.allowRemote || isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%s is not this machine; --allow-remote loads it all the same", u.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
