package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// posters is how many requests are posted at a time where that is not what is
// measured.
const posters = 32

// caller posts requests and asks for their status.
type caller struct {
	client   http.Client
	acceptor string
	payload  []byte
}

func (b *bench) newCaller(acceptor string) *caller {
	return &caller{acceptor: acceptor, payload: b.payload.text, client: http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: posters},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *caller) close() { c.client.CloseIdleConnections() }

// request makes a request of the operation.
func (c *caller) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.acceptor+"/api/customer", bytes.NewReader(c.payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// post has one request accepted and gives its status URL.
func (c *caller) post(ctx context.Context) (string, error) {
	request, err := c.request(ctx)
	if err != nil {
		return "", err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("a request was answered with %s: %.200s", response.Status, text)
	}
	return response.Header.Get("Location"), err
}

// postAll has n requests accepted and gives their status URLs.
func (c *caller) postAll(ctx context.Context, n int) ([]string, error) {
	var mu sync.Mutex
	urls := make([]string, 0, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(posters)
	for range n {
		group.Go(func() error {
			url, err := c.post(ctx)
			mu.Lock()
			defer mu.Unlock()
			urls = append(urls, url)
			return err
		})
	}
	return urls, group.Wait()
}

// recovery bounds how long a service may take to find a broker that was
// started anew.
const recovery = 30 * time.Second

// awaitAccepted posts until a request is accepted.
func (c *caller) awaitAccepted(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, recovery, fmt.Errorf("no request was accepted within %s", recovery))
	defer cancel()
	for {
		_, err := c.post(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// seen asks for a job's status, as long as the job takes, until there is a
// result to be had.
func (c *caller) seen(ctx context.Context, url string) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Prefer", "wait=30")
		response, err := c.client.Do(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		switch {
		case err != nil:
			return err
		case response.StatusCode == http.StatusFound:
			return nil
		case response.StatusCode != http.StatusAccepted:
			return fmt.Errorf("status %s: %s", url, response.Status)
		}
	}
}

// idOf gives the id that a status URL names.
func idOf(url string) (job.ID, error) { return job.ParseID(path.Base(url)) }
