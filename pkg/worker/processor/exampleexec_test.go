//go:build unix

package processor_test

import (
	"context"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

func ExampleExec() {
	handler := processor.Exec(operation.Exec{
		Command:     []string{"sh", "-c", `echo "50 half way" >&3; tr a-z A-Z`},
		ContentType: "text/plain",
	}, nil)
	outcome := workertest.Run(context.Background(), handler, workertest.Request{Payload: []byte("hello")})
	fmt.Println(string(outcome.Result), outcome.Progress, outcome.Err)
	// Output: HELLO [{50 half way}] <nil>
}
