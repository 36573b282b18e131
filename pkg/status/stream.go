package status

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// stream answers with the result itself: onComplete=stream. It honours Range,
// If-Range and If-None-Match (RFC 9110, sections 13 and 14).
func (s *Service) stream(c echo.Context, r job.Record) error {
	if strings.Contains(c.Request().Header.Get("Range"), ",") {
		c.Request().Header.Del("Range") // a server may answer several ranges with everything
	}
	w := c.Response()
	content := &resultReader{
		size: r.Result.Size,
		open: func(offset int64) (io.ReadCloser, error) {
			// http.ServeContent says what it is going to read before it reads.
			count, _ := strconv.ParseInt(w.Header().Get(echo.HeaderContentLength), 10, 64)
			body, _, err := s.options.Results.Open(c.Request().Context(), r.Result.Blob, offset, count)
			return body, err
		},
	}
	defer content.Close()
	before := w.Header().Clone()
	setContentHeaders(w.Header(), r.Result)
	late := &lateWriter{ResponseWriter: w}
	http.ServeContent(late, c.Request(), "", time.Time{}, content)
	if err := late.finish(content.err); err != nil {
		contentRange := w.Header().Get("Content-Range")
		clear(w.Header())
		maps.Copy(w.Header(), before)
		return streamProblem(err, contentRange)
	}
	return nil
}

// setContentHeaders describes the result. What a handler produced from what a
// caller sent must not run as a page of this origin: hence the sandbox, and no
// guessing of types.
func setContentHeaders(header http.Header, r *job.Result) {
	contentType := r.ContentType
	if _, _, err := mime.ParseMediaType(contentType); err != nil {
		contentType = echo.MIMEOctetStream
	}
	header.Set(echo.HeaderContentType, contentType)
	header.Set(echo.HeaderContentDisposition, disposition(r.FileName))
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	if digest, err := hex.DecodeString(r.SHA256); err == nil && len(digest) > 0 {
		header.Set("ETag", `"`+r.SHA256+`"`)
		header.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":")
	}
}

// disposition gives the Content-Disposition (RFC 6266) for a suggested name,
// of which only the last element of a path counts.
func disposition(fileName string) string {
	fileName = fileName[strings.LastIndexAny(fileName, `/\`)+1:]
	if fileName == "" {
		return "inline"
	}
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": fileName}); d != "" {
		return d
	}
	return "attachment"
}

// errRange is an unsatisfiable range.
var errRange = errors.New("range not satisfiable")

func streamProblem(err error, contentRange string) error {
	switch {
	case errors.Is(err, errRange):
		p := web.NewProblem(job.CodeInvalidRequest, "The result has no such range.")
		p.Status = http.StatusRequestedRangeNotSatisfiable
		return p.WithHeader("Content-Range", contentRange)
	case errors.Is(err, job.ErrNotFound):
		return &job.Error{Code: job.CodeGone, Message: "The result is no longer kept.", Err: err}
	}
	return err
}

// lateWriter holds the status line back until the first byte of the body, so
// that a result that cannot be opened can still be answered with a problem.
type lateWriter struct {
	http.ResponseWriter
	code  int
	begun bool
}

// WriteHeader implements [http.ResponseWriter].
func (w *lateWriter) WriteHeader(code int) { w.code = code }

// Write implements [io.Writer].
func (w *lateWriter) Write(p []byte) (int, error) {
	if w.code == http.StatusRequestedRangeNotSatisfiable {
		return len(p), nil
	}
	w.begin()
	return w.ResponseWriter.Write(p)
}

func (w *lateWriter) begin() {
	if !w.begun {
		w.begun = true
		w.ResponseWriter.WriteHeader(w.code)
	}
}

// finish sends an answer without a body, or gives the reason why there must be
// another. An error after the beginning can only be logged: the answer is cut
// short, which the client sees because it was promised more bytes.
func (w *lateWriter) finish(readError error) error {
	switch {
	case w.begun:
		return readError
	case w.code == http.StatusRequestedRangeNotSatisfiable:
		return errRange
	case readError != nil:
		return readError
	}
	w.begin()
	return nil
}

// resultReader reads a stored result from wherever it is sought to. Nothing is
// opened before the first read.
type resultReader struct {
	size     int64
	open     func(offset int64) (io.ReadCloser, error)
	position int64
	body     io.ReadCloser
	err      error // the first that was not the end
}

// Seek implements [io.Seeker].
func (r *resultReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.position
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("status: seek before the result's beginning")
	}
	if offset != r.position {
		r.Close()
		r.position = offset
	}
	return offset, nil
}

// Read implements [io.Reader].
func (r *resultReader) Read(p []byte) (int, error) {
	if r.position >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		if r.body, r.err = r.open(r.position); r.err != nil {
			return 0, r.err
		}
	}
	n, err := r.body.Read(p)
	r.position += int64(n)
	switch {
	case err == io.EOF && n > 0:
		err = nil // the end of a range is no end of the result
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
		fallthrough
	case err != nil:
		r.err = err
	}
	return n, err
}

// Close ends the current read of storage, if there is one.
func (r *resultReader) Close() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
}
