package acceptor

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// maxRetryAfter bounds what an estimate may advise.
const maxRetryAfter = time.Minute

// Accepted is the body of a 202.
type Accepted struct {
	ID           job.ID    `json:"id"` // the RequestGUID
	Status       string    `json:"status"`
	StatusURL    string    `json:"statusUrl"`    // the same as Location
	OperationURL string    `json:"operationUrl"` // the same as Operation-Location
	SubmittedAt  time.Time `json:"submittedAt"`
	RetryAfter   int       `json:"retryAfter"` // seconds
}

// appendTo writes the answer as JSON, which [encoding/json] would do as well
// and slower. The URLs have nothing in them that JSON would escape, see
// [web.ParseBaseURL].
func (a *Accepted) appendTo(b []byte) []byte {
	b, _ = a.ID.AppendText(append(b, `{"id":"`...))
	b = append(append(b, `","status":"`...), a.Status...)
	b = append(append(b, `","statusUrl":"`...), a.StatusURL...)
	b = append(append(b, `","operationUrl":"`...), a.OperationURL...)
	b = a.SubmittedAt.AppendFormat(append(b, `","submittedAt":"`...), time.RFC3339Nano)
	b = strconv.AppendInt(append(b, `","retryAfter":`...), int64(a.RetryAfter), 10)
	return append(b, "}\n"...)
}

const headerOperationLocation = "Operation-Location"

var (
	noStore         = []string{"no-store"}
	applicationJSON = []string{echo.MIMEApplicationJSON}
)

// accepted answers 202.
func (a *Acceptor) accepted(c echo.Context, in *intake, variants string) error {
	m := &in.message
	body := Accepted{
		ID:           m.ID,
		Status:       "Accepted",
		StatusURL:    m.StatusURL,
		OperationURL: a.options.StatusBaseURL + "/api/operations/" + m.ID.String(),
		SubmittedAt:  m.SubmittedAt,
		RetryAfter:   seconds(a.options.RetryAfter(m.Operation)),
	}
	if variants != "" {
		body.StatusURL += "?" + variants
		body.OperationURL += "?" + variants
	}
	header, values := c.Response().Header(), [...][1]string{{body.StatusURL}, {body.OperationURL}, {strconv.Itoa(body.RetryAfter)}}
	header[echo.HeaderLocation] = values[0][:]
	header[headerOperationLocation] = values[1][:]
	header[echo.HeaderRetryAfter] = values[2][:]
	header[echo.HeaderCacheControl] = noStore
	header[echo.HeaderContentType] = applicationJSON
	if prefersAsync(c.Request().Header) {
		header.Set("Preference-Applied", "respond-async")
	}
	c.Response().WriteHeader(http.StatusAccepted)
	_, err := c.Response().Write(body.appendTo(in.answer()))
	return err
}

// seconds rounds up, because 0 means 30 s to Azure's pollers.
func seconds(d time.Duration) int {
	d = min(max(d, time.Second), maxRetryAfter)
	return int((d + time.Second - 1) / time.Second)
}

// prefersAsync reports whether the caller asked for what it gets anyway
// (RFC 7240, section 4.1).
func prefersAsync(header http.Header) bool {
	for _, line := range header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(preference, ";")
			if strings.EqualFold(strings.TrimSpace(name), "respond-async") {
				return true
			}
		}
	}
	return false
}
