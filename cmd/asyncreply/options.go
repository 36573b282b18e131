package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
)

// Where `make run` has the services.
const (
	defaultAcceptor = "http://127.0.0.1:8080"
	defaultStatus   = "http://127.0.0.1:8081"
)

// options are what environment and flags say; a flag wins.
type options struct {
	Acceptor string `env:"ASYNCREPLY_ACCEPTOR"`
	Status   string `env:"ASYNCREPLY_STATUS"`
	Token    string `env:"ASYNCREPLY_TOKEN"`

	json, quiet       bool
	timeout, retryFor time.Duration

	parameters        parameters
	contentType, data string
	key               string
	wait              bool
	out               string
}

func (o *options) commonFlags(f *flag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "write JSON, for scripts; problems go to standard error, as JSON too")
	f.BoolVar(&o.quiet, "quiet", false, "show no progress, even on a terminal")
	f.DurationVar(&o.timeout, "timeout", 0, "give up after `duration`, as in 90s or 1h30m; jobs go on")
	f.DurationVar(&o.retryFor, "retry-for", 30*time.Second, "bear for `duration` with a service that cannot be reached; below 0: not at all")
}

func (o *options) acceptorFlags(f *flag.FlagSet) {
	f.StringVar(&o.Acceptor, "acceptor", o.Acceptor, "`URL` of the acceptor; default "+defaultAcceptor)
}

func (o *options) statusFlags(f *flag.FlagSet) {
	f.StringVar(&o.Status, "status", o.Status, "`URL` of the status service; default "+defaultStatus)
}

func (o *options) submitFlags(f *flag.FlagSet) {
	f.Var(&o.parameters, "param", "parameter of the operation, as `name=value`; may be given several times")
	f.StringVar(&o.contentType, "content-type", "", "media `type` of the payload; default: by the file's name or its first bytes")
	f.StringVar(&o.data, "data", "", "`text` to send in place of a file")
	f.StringVar(&o.key, "key", "", "Idempotency-Key: requests with the same `key` are one job; default: a random one")
	f.BoolVar(&o.wait, "wait", false, "wait for the end and write the result")
}

func (o *options) outFlags(f *flag.FlagSet) {
	f.StringVar(&o.out, "out", "", "`file` or folder to save the result in, - for standard output")
}

// parameters collects name=value.
type parameters struct{ url.Values }

// String implements [flag.Value].
func (p *parameters) String() string { return p.Encode() }

// Set implements [flag.Value].
func (p *parameters) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("it is not name=value")
	}
	if p.Values == nil {
		p.Values = url.Values{}
	}
	p.Add(name, value)
	return nil
}

// client makes a client of the services.
func (p *program) client() (*client.Client, error) {
	o := &p.options
	acceptor := o.Acceptor
	if acceptor == "" {
		acceptor = defaultAcceptor
	}
	opts := &client.Options{StatusURL: o.Status, RetryFor: o.retryFor, OnRetry: p.bar.retrying}
	if o.retryFor == 0 {
		opts.RetryFor = -1
	}
	if o.Token != "" {
		opts.Prepare = func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+o.Token)
			return nil
		}
	}
	c, err := client.New(acceptor, opts)
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// job finds the job that is named by its URL or by its id.
func (p *program) job(name string) (*client.Job, error) {
	if !strings.Contains(name, "/") && p.options.Status == "" {
		p.options.Status = defaultStatus
	}
	c, err := p.client()
	if err != nil {
		return nil, err
	}
	j, err := c.Resume(name)
	if err != nil {
		return nil, usage(fmt.Errorf("job %q: %w", name, err))
	}
	return j, nil
}
