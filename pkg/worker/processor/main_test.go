package processor_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// TestMain lets this program be its own worker in a process, which a test
// kills.
func TestMain(m *testing.M) {
	if script := os.Getenv("PROCESSOR_TEST_WORKER"); script != "" {
		workertest.Run(context.Background(), processor.Exec(operation.Exec{Command: []string{"sh", "-c", script}}, nil), workertest.Request{})
		return
	}
	goleak.VerifyTestMain(m)
}
