package status_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// accept adds a resource that accepts requests as the acceptor does, with the
// headers that each kind of poller goes by.
func (f *fixture) accept(query string) {
	f.echo.POST("/accept/:mode", func(c echo.Context) error {
		id := f.issue(0)
		c.Response().Header().Set("Location", f.base+statusPath(id)+query)
		if c.Param("mode") == "operation" {
			c.Response().Header().Set("Operation-Location", f.base+operationPath(id)+query)
		}
		return c.JSON(http.StatusAccepted, map[string]any{"id": id, "status": "Accepted"})
	})
}

type output struct {
	Answer int `json:"answer"`
}

// pipeline is azcore's own, which follows redirects.
func (f *fixture) pipeline() runtime.Pipeline {
	client := &http.Client{Transport: f.client.Transport}
	return runtime.NewPipeline("test", "v0", runtime.PipelineOptions{}, &policy.ClientOptions{Transport: client})
}

// submit sends a request through azcore's pipeline and gives its poller.
func (f *fixture) submit(mode string) (*runtime.Poller[output], job.ID) {
	f.t.Helper()
	pipeline := f.pipeline()
	request, err := runtime.NewRequest(f.t.Context(), http.MethodPost, f.base+"/accept/"+mode)
	if err != nil {
		f.t.Fatal(err)
	}
	response, err := pipeline.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	var accepted struct{ ID job.ID }
	if err := runtime.UnmarshalAsJSON(response, &accepted); err != nil {
		f.t.Fatal(err)
	}
	poller, err := runtime.NewPoller[output](response, pipeline, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return poller, accepted.ID
}

// TestAzurePollers states that azcore's pollers work unmodified, by Location
// and by Operation-Location, with a redirect to the result and with a stream,
// through success, failure and cancel, and from a resume token.
func TestAzurePollers(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"location", "operation"} {
		for _, query := range []string{"", "?onComplete=stream"} {
			f := newFixture(t, nil)
			f.accept(query)
			name := mode + query + "/"
			t.Run(name+"success", func(t *testing.T) {
				t.Parallel()
				f := f.with(t)
				poller, id := f.submit(mode)
				f.pollOnce(poller)
				f.succeed(f.run(id), `{"answer":42}`, "application/json", "")
				f.wantOutput(poller)
			})
			t.Run(name+"resumed", func(t *testing.T) {
				t.Parallel()
				f := f.with(t)
				poller, id := f.submit(mode)
				f.succeed(f.run(id), `{"answer":42}`, "application/json", "")
				f.wantOutput(f.resume(poller))
			})
			t.Run(name+"failure", func(t *testing.T) {
				t.Parallel()
				f := f.with(t)
				poller, id := f.submit(mode)
				f.update(f.run(id).Fail(job.Failure{Code: "TooBlurred", Message: "Take it again."}, time.Now()))
				f.wantError(poller, "TooBlurred")
			})
			t.Run(name+"cancel", func(t *testing.T) {
				t.Parallel()
				f := f.with(t)
				poller, id := f.submit(mode)
				f.pollOnce(poller)
				f.do(http.MethodDelete, statusPath(id)).wantStatus(t, http.StatusAccepted)
				f.wantError(poller, "Canceled")
			})
		}
	}
}

// pollOnce polls a job that is not done.
func (f *fixture) pollOnce(poller *runtime.Poller[output]) {
	f.t.Helper()
	if _, err := poller.Poll(f.t.Context()); err != nil || poller.Done() {
		f.t.Fatalf("poll of a pending job: %v, done %v", err, poller.Done())
	}
}

func (f *fixture) resume(poller *runtime.Poller[output]) *runtime.Poller[output] {
	f.t.Helper()
	token, err := poller.ResumeToken()
	if err != nil {
		f.t.Fatal(err)
	}
	resumed, err := runtime.NewPollerFromResumeToken[output](token, f.pipeline(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return resumed
}

func (f *fixture) wantOutput(poller *runtime.Poller[output]) {
	f.t.Helper()
	got, err := poller.PollUntilDone(f.t.Context(), nil)
	if err != nil || got.Answer != 42 {
		f.t.Errorf("result = %+v, %v", got, err)
	}
}

func (f *fixture) wantError(poller *runtime.Poller[output], code string) {
	f.t.Helper()
	_, err := poller.PollUntilDone(f.t.Context(), nil)
	response, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok || response.ErrorCode != code {
		f.t.Errorf("error = %v, want code %s", err, code)
	}
}
