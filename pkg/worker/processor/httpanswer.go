package processor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// How much of the body of an answer that is no success is looked at, in bytes.
const (
	maxDetail  = 16 << 10 // given to the caller
	maxSnippet = 1 << 10  // written to the log
)

// take makes an answer the job's result, or an error.
func take(j *worker.Job, response *http.Response) error {
	if err := judge(response); err != nil {
		return err
	}
	return keep(j, response)
}

// judge says what the status of an answer means; nil is success.
func judge(response *http.Response) error {
	message := "The backend answered " + statusText(response.StatusCode) + "."
	switch code := response.StatusCode; {
	case code >= 200 && code <= 299:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		snippet, _ := io.ReadAll(io.LimitReader(response.Body, maxSnippet))
		return worker.RetryAfter(retryAfter(response.Header, time.Now()), failed(message, fmt.Errorf("it said %q", snippet)))
	case code >= 300 && code <= 399:
		location := fmt.Errorf("it redirects to %.200q", response.Header.Get("Location"))
		return worker.Permanent(failed("The backend answered "+statusText(code)+", a redirect that is not followed.", location))
	}
	return worker.Fail(job.Failure{Code: job.CodeHandlerFailed, Message: message, Detail: detail(response)})
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds or
// a date. What is neither counts as absent.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	const most = int64(365 * 24 * time.Hour / time.Second)
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}

// detail gives the body of an answer as JSON: JSON as it is, text as a string,
// anything else not at all. Longer text is cut, longer JSON is cut as text.
func detail(response *http.Response) json.RawMessage {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxDetail+1))
	if isJSON(response.Header.Get("Content-Type")) && len(body) <= maxDetail {
		var compact bytes.Buffer
		if json.Compact(&compact, body) == nil {
			return compact.Bytes()
		}
	}
	text := strings.TrimSpace(cutText(body, maxDetail))
	if text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil
	}
	return jsonString(text)
}

// isJSON reports whether a content type is JSON (RFC 8259) or a format based
// on it (RFC 6839, section 3.1).
func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
}

// jsonString encodes text so that it takes at most maxDetail bytes.
func jsonString(text string) json.RawMessage {
	for {
		var encoded bytes.Buffer
		e := json.NewEncoder(&encoded)
		e.SetEscapeHTML(false)
		if e.Encode(text) != nil {
			return nil
		}
		if raw := bytes.TrimSpace(encoded.Bytes()); len(raw) <= maxDetail {
			return raw
		}
		text = cutText([]byte(text), len(text)/2)
	}
}

// cutText cuts text to at most n bytes, not within a character.
func cutText(text []byte, n int) string {
	if len(text) <= n {
		return string(text)
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return string(text[:n])
}

// keep makes the body of an answer the job's result. A body that ends before
// its Content-Length or its last chunk is an error, never a shorter result.
func keep(j *worker.Job, response *http.Response) error {
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return worker.Permanent(failed("The backend's answer has a content encoding that was not asked for.", errors.New(encoding)))
	}
	_, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Disposition"))
	if name := path.Base(strings.ReplaceAll(parameters["filename"], `\`, "/")); err == nil && name != "." && name != "/" {
		j.SetFileName(name)
	}
	contentType := response.Header.Get("Content-Type")
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	body := &source{reader: response.Body}
	_, err = io.Copy(j.Result(contentType), body)
	if body.err != nil {
		return failed("The backend's answer broke off.", body.err)
	}
	return err
}

// source is a reader that remembers why it failed, to tell its errors from
// those of whoever it is copied to.
type source struct {
	reader io.Reader
	err    error
}

// Read implements [io.Reader].
func (s *source) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
