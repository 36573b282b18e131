package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// moveLarge has a large payload copied by a worker, and makes sure that the
// result is the same bytes.
func (b *bench) moveLarge(ctx context.Context, acceptor string) error {
	c := b.newCaller(acceptor)
	defer c.close()
	size := int64(b.largeMB) << 20
	digest := sha256.New()
	url, err := c.postLarge(ctx, io.TeeReader(io.LimitReader(&pattern{}, size), digest), size)
	if err != nil {
		return err
	}
	if err := c.seen(ctx, url); err != nil {
		return err
	}
	var result struct {
		Size   int64
		Digest map[string]string
	}
	if err := c.getJSON(ctx, url+"?onComplete=json", &result); err != nil {
		return err
	}
	if want := hex.EncodeToString(digest.Sum(nil)); result.Size != size || result.Digest["sha-256"] != want {
		return fmt.Errorf("%d bytes with SHA-256 %s came back as %+v", size, want, result)
	}
	return nil
}

// postLarge has a payload accepted that is made while it is sent, and gives the
// status URL.
func (c *caller) postLarge(ctx context.Context, content io.Reader, size int64) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.acceptor+"/api/"+copyOperation, content)
	if err != nil {
		return "", err
	}
	request.ContentLength = size
	request.Header.Set("Content-Type", "application/octet-stream")
	response, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("a large payload was answered with %s: %.200s", response.Status, text)
	}
	return response.Header.Get("Location"), err
}

func (c *caller) getJSON(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// pattern is bytes without end that do not repeat at the length of a block.
type pattern struct{ at int }

var patternBytes = bytes.Repeat([]byte("asynchronous request, reply "), 9973)

// Read implements [io.Reader].
func (p *pattern) Read(b []byte) (int, error) {
	n := copy(b, patternBytes[p.at:])
	p.at = (p.at + n) % len(patternBytes)
	return n, nil
}
