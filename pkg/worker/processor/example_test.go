package processor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/worker/processor"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

func ExampleHTTP() {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s, attempt %s", strings.ToUpper(string(text)), r.Header.Get("RequestAttempt"))
	}))
	defer backend.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()

	handler := processor.HTTP(operation.HTTP{URL: backend.URL, Method: http.MethodPost}, &processor.HTTPOptions{Transport: transport})
	outcome := workertest.Run(context.Background(), handler, workertest.Request{Payload: []byte("hello")})
	fmt.Println(string(outcome.Result), outcome.Err)
	// Output: HELLO, attempt 1 <nil>
}
