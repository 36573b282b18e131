package status

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// redirect sends the caller to the result with a fresh valet key.
func (s *Service) redirect(c echo.Context, r job.Record) error {
	link, _, err := s.sign(c, r)
	if err != nil {
		return err
	}
	noReferrer(c)
	return c.Redirect(http.StatusFound, link)
}

// linkBody is onComplete=json: where the result is, and how to tell that it
// arrived whole.
type linkBody struct {
	ID        job.ID            `json:"id"`
	Status    job.Status        `json:"status"`
	ResultURL string            `json:"resultUrl"`
	ExpiresAt time.Time         `json:"expiresAt"` // when resultUrl stops working
	Size      int64             `json:"size"`      // bytes
	Type      string            `json:"type"`
	FileName  string            `json:"fileName,omitempty"`
	Digest    map[string]string `json:"digest,omitempty"` // hexadecimal, by the names of RFC 9530
}

// link answers with a fresh valet key as JSON, for callers that cannot follow
// a redirect to another origin.
func (s *Service) link(c echo.Context, r job.Record) error {
	url, expires, err := s.sign(c, r)
	if err != nil {
		return err
	}
	body := linkBody{
		ID: r.ID, Status: r.Status, ResultURL: url, ExpiresAt: expires.UTC(),
		Size: r.Result.Size, Type: r.Result.ContentType, FileName: r.Result.FileName,
	}
	if r.Result.SHA256 != "" {
		body.Digest = map[string]string{"sha-256": r.Result.SHA256}
	}
	noReferrer(c)
	return c.JSON(http.StatusOK, body)
}

func (s *Service) sign(c echo.Context, r job.Record) (string, time.Time, error) {
	return s.options.Signer.URL(c.Request().Context(), r.Result.Blob, propertiesOf(r.Result))
}

func propertiesOf(r *job.Result) job.BlobProperties {
	return job.BlobProperties{ContentType: r.ContentType, FileName: r.FileName}
}

// noReferrer keeps an answer that holds a valet key out of caches, and its
// address out of the next request.
func noReferrer(c echo.Context) {
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set(echo.HeaderReferrerPolicy, "no-referrer")
}
