package status

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// monitorStatusQueued is what the status monitor calls a job without a record.
const monitorStatusQueued job.Status = "NotStarted"

// monitorBody is the status monitor of Azure's REST API guidelines ("Long-running
// operations"). resourceLocation leads to this service and not to a valet
// key, because clients send their bearer token along.
type monitorBody struct {
	ID                 string       `json:"id"`
	Status             job.Status   `json:"status"`
	CreatedDateTime    time.Time    `json:"createdDateTime"`
	LastActionDateTime time.Time    `json:"lastActionDateTime"`
	PercentComplete    float64      `json:"percentComplete"`
	Error              *failureBody `json:"error,omitempty"`
	ResourceLocation   string       `json:"resourceLocation,omitempty"`
}

// json writes b as encoding/json would.
func (b *monitorBody) json() []byte {
	o := newObject()
	o.text("id", b.ID)
	o.text("status", string(b.Status))
	o.time("createdDateTime", b.CreatedDateTime)
	o.time("lastActionDateTime", b.LastActionDateTime)
	o.number("percentComplete", b.PercentComplete)
	o.failureIfAny("error", b.Error)
	o.textIfAny("resourceLocation", b.ResourceLocation)
	return o.end()
}

// getOperation is the status monitor: 200 whatever has become of the job.
func (s *Service) getOperation(c echo.Context) error {
	r, v, err := s.await(c)
	if err != nil {
		return err
	}
	body := s.monitorOf(r, v)
	c.Response().Header().Set("Operation-Location", s.links.operation(body.ID, v))
	if r.Status.Terminal() {
		return s.tagged(c, http.StatusOK, r, &body)
	}
	return s.pending(c, http.StatusOK, r, s.retryAfter(r), &body)
}

func (s *Service) monitorOf(r job.Record, v variant) monitorBody {
	body := monitorBody{
		ID:                 r.ID.String(),
		Status:             r.Status,
		CreatedDateTime:    r.SubmittedAt,
		LastActionDateTime: r.UpdatedAt,
		PercentComplete:    percent(r),
		Error:              failureOf(r.Failure),
	}
	switch r.Status {
	case "":
		body.Status = monitorStatusQueued
	case job.StatusSucceeded:
		body.ResourceLocation = s.links.result(body.ID, v)
	}
	return body
}
