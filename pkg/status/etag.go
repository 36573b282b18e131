package status

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// tag names the state that r is in: records with the same tag say the same.
func tag(r job.Record) string {
	var room [128]byte
	state := append(room[:0], r.ID[:]...)
	state = append(state, r.Status...)
	state = append(append(state, '|'), r.Version...)
	sum := sha256.Sum256(state)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// answer is a body that is only written where it is sent.
type answer interface{ json() []byte }

// tagged answers with the state that r is in, or 304 if the caller has it.
// The tag is weak (RFC 9110, section 8.8.1) because Retry-After, which goes on
// changing, does not count. A status answer is still never stored: the tag is
// for callers that compare for themselves.
func (s *Service) tagged(c echo.Context, code int, r job.Record, body answer) error {
	header := c.Response().Header()
	header.Set("Etag", weak(r))
	header.Set(echo.HeaderCacheControl, "no-store")
	if known(c.Request(), r) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSONBlob(code, body.json())
}

func weak(r job.Record) string { return `W/"` + tag(r) + `"` }

// known reports whether the caller said by If-None-Match (RFC 9110, section
// 13.1.2) that it has seen r.
func known(request *http.Request, r job.Record) bool {
	for _, line := range request.Header.Values("If-None-Match") {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
			if candidate == "*" || candidate == `"`+tag(r)+`"` {
				return true
			}
		}
	}
	return false
}
