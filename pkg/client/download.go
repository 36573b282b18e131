package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrCorrupt is that a result did not arrive as the worker wrote it.
var ErrCorrupt = errors.New("the result is not what the job produced")

var errClosed = errors.New("client: the result is closed")

// download reads a result through however many connections it takes.
type download struct {
	ctx    context.Context
	job    *Job
	link   *Link
	digest hash.Hash

	body     io.ReadCloser // of the present connection, or nil
	offset   int64         // bytes read
	since    time.Time     // when it began to fail
	failures int           // in a row, without a byte between them
	err      error         // for all further reads
}

func newDownload(ctx context.Context, j *Job, l *Link) *download {
	return &download{ctx: ctx, job: j, link: l, digest: sha256.New()}
}

// Read implements [io.Reader].
func (d *download) Read(p []byte) (int, error) {
	for d.err == nil {
		if d.body == nil {
			d.err = d.open()
			continue
		}
		n, err := d.body.Read(p)
		d.took(p[:n])
		switch {
		case d.offset > d.link.Size:
			d.err = fmt.Errorf("%w: it is longer than its %d bytes", ErrCorrupt, d.link.Size)
		case err == io.EOF && d.offset == d.link.Size:
			d.err = d.verify()
		case err != nil:
			d.err = d.broke(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, d.err
}

// Close ends the download.
func (d *download) Close() error {
	d.drop()
	if d.err == nil {
		d.err = errClosed
	}
	return nil
}

func (d *download) drop() {
	if d.body != nil {
		_ = d.body.Close()
		d.body = nil
	}
}

func (d *download) took(p []byte) {
	d.digest.Write(p)
	d.offset += int64(len(p))
	if len(p) > 0 {
		d.failures, d.since = 0, time.Time{}
	}
}

// verify gives [io.EOF] for what is as the worker wrote it.
func (d *download) verify() error {
	d.drop()
	sum := hex.EncodeToString(d.digest.Sum(nil))
	if want := d.link.SHA256(); want != "" && !strings.EqualFold(want, sum) {
		return fmt.Errorf("%w: its SHA-256 is %s, not %s", ErrCorrupt, sum, want)
	}
	return io.EOF
}

// broke waits before the download is taken up again, and gives an error if it
// should not be.
func (d *download) broke(err error) error {
	d.drop()
	if d.ctx.Err() != nil {
		return causeOf(d.ctx)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if d.since.IsZero() {
		d.since = time.Now()
	}
	delay := backoff(d.failures)
	d.failures++
	if time.Since(d.since)+delay > d.job.client.options.RetryFor {
		return fmt.Errorf("download of job %s broke off after %d of %d bytes: %w", d.job.id, d.offset, d.link.Size, err)
	}
	return d.job.client.pauseAfter(d.ctx, err, delay)
}

// open asks for the rest of the result. A valet key that no longer works is
// replaced once. Where it gives nil and there is no connection all the same, it
// is to be called again.
func (d *download) open() error {
	response, err := d.get()
	if err == nil && response.StatusCode == http.StatusForbidden && !d.job.client.options.ThroughService {
		discard(response)
		if err := d.renew(); err != nil {
			return err
		}
		response, err = d.get()
	}
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusPartialContent {
		return problemOf(response)
	}
	return d.begin(response)
}

// begin takes an answer that is the result from the offset on, or from its
// beginning where ranges are not served.
func (d *download) begin(r *http.Response) error {
	from := int64(0)
	if r.StatusCode == http.StatusPartialContent {
		if from = rangeStart(r.Header.Get("Content-Range")); from != d.offset {
			discard(r)
			return fmt.Errorf("%w: asked to go on at byte %d, storage gave %q", ErrCorrupt, d.offset, r.Header.Get("Content-Range"))
		}
	}
	if _, err := io.CopyN(io.Discard, r.Body, d.offset-from); err != nil {
		_ = r.Body.Close()
		return d.broke(err)
	}
	d.body = r.Body
	return nil
}

// rangeStart reads the first position of a Content-Range (RFC 9110, section
// 14.4), or gives -1.
func rangeStart(header string) int64 {
	text, ok := strings.CutPrefix(header, "bytes ")
	first, _, dash := strings.Cut(text, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !ok || !dash || err != nil {
		return -1
	}
	return start
}

func (d *download) get() (*http.Response, error) {
	q := &call{method: http.MethodGet, header: http.Header{}, streams: true}
	if d.offset > 0 {
		q.header.Set("Range", "bytes="+strconv.FormatInt(d.offset, 10)+"-")
	}
	if d.job.client.options.ThroughService {
		q.url = d.job.resource("result", "stream")
		return d.job.ask(d.ctx, q)
	}
	var err error
	if q.url, err = url.Parse(d.link.URL); err != nil {
		return nil, errors.New("client: the result's link is no URL") // without the link, which is a secret
	}
	q.storage = true
	return d.job.ask(d.ctx, q)
}

// renew gets another link to the same result.
func (d *download) renew() error {
	fresh, err := d.job.Link(d.ctx)
	if err != nil {
		return err
	}
	if fresh.SHA256() != d.link.SHA256() || fresh.Size != d.link.Size {
		return fmt.Errorf("%w: it changed while it was read", ErrCorrupt)
	}
	d.link = fresh
	return nil
}
