package status

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestBodies states that bodies are written as encoding/json writes them,
// whatever a job's record holds.
func TestBodies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			if rapid.Bool().Draw(t, "zero") {
				return time.Time{}
			}
			return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		})
		failure := rapid.Custom(func(t *rapid.T) *failureBody {
			if rapid.Bool().Draw(t, "none") {
				return nil
			}
			return &failureBody{Code: job.Code(rapid.String().Draw(t, "code")), Message: rapid.String().Draw(t, "m"), Detail: json.RawMessage(`{"a":"<b>"}`)}
		})
		status := &statusBody{
			ID: job.ID{1}.String(), Status: job.StatusRunning, Operation: rapid.String().Draw(t, "operation"),
			PercentComplete: percent(job.Record{Percent: rapid.Float64Range(0, 100).Draw(t, "percent")}),
			Message:         rapid.String().Draw(t, "message"), Attempt: rapid.IntRange(0, 9).Draw(t, "attempt"),
			LastError: failure.Draw(t, "last"), Error: failure.Draw(t, "error"),
			NextAttemptAt: moment.Draw(t, "next"), SubmittedAt: moment.Draw(t, "submitted"), StartedAt: moment.Draw(t, "started"),
			UpdatedAt: moment.Draw(t, "updated"), FinishedAt: moment.Draw(t, "finished"),
			StatusURL: "https://a/?b&c", OperationURL: rapid.String().Draw(t, "url"), ResultURL: rapid.String().Draw(t, "result"),
			RetryAfter: rapid.IntRange(0, 60).Draw(t, "retry"),
		}
		monitor := &monitorBody{
			ID: status.ID, Status: status.Status, CreatedDateTime: status.SubmittedAt, LastActionDateTime: status.UpdatedAt,
			PercentComplete: status.PercentComplete, Error: status.Error, ResourceLocation: status.ResultURL,
		}
		for _, body := range []answer{status, monitor} {
			var want bytes.Buffer
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(body); err != nil {
				t.Fatal(err)
			}
			if got := body.json(); !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("%s\nwant\n%s", got, &want)
			}
		}
	})
}
