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

// accepted answers 202.
func (a *Acceptor) accepted(c echo.Context, m *job.Message, variants string) error {
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
	header := c.Response().Header()
	header.Set(echo.HeaderLocation, body.StatusURL)
	header.Set("Operation-Location", body.OperationURL)
	header.Set(echo.HeaderRetryAfter, strconv.Itoa(body.RetryAfter))
	header.Set(echo.HeaderCacheControl, "no-store")
	if prefersAsync(c.Request().Header) {
		header.Set("Preference-Applied", "respond-async")
	}
	return c.JSON(http.StatusAccepted, body)
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
