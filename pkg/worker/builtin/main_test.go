package builtin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// All handlers are registered under the names of the shipped operations file.
func TestRegister(t *testing.T) {
	mux := worker.NewMux()
	builtin.Register(mux)
	if got := strings.Join(mux.Names(), " "); got != "csv-profile customer thumbnail" {
		t.Errorf("registered %s", got)
	}
}

// expectUnfit demands a permanent failure with a code and part of a message.
func expectUnfit(t *testing.T, o *workertest.Outcome, code job.Code, message string) {
	t.Helper()
	v := o.Verdict
	if o.Err == nil || !v.Permanent || v.Failure.Code != code || !strings.Contains(v.Failure.Message, message) {
		t.Errorf("got %v, permanent %v; want %s: … %s …", o.Err, v.Permanent, code, message)
	}
	if len(o.Result) > 0 {
		t.Errorf("there is a result all the same: %.40q", o.Result)
	}
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
