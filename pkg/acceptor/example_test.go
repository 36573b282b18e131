package acceptor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// printed is a queue that prints what it is sent.
type printed struct{}

func (printed) Send(_ context.Context, m *job.Message) error {
	fmt.Printf("queued %s %s\n", m.Operation, m.Body)
	return nil
}

// A service that takes requests in. A real one has a sender of package
// servicebus and the payload container of package blobstore.
func Example() {
	set, err := operation.Parse(strings.NewReader("operations: {greet: {processor: {go: greet}}}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := job.NewKeyRing([]byte("a key of at least thirty-two bytes"))
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := acceptor.New(&acceptor.Options{
		Operations:    set,
		Issuer:        job.NewIssuer(keys, nil),
		Sender:        printed{},
		Payloads:      &blobstore.Container{},
		StatusBaseURL: "https://status.example",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := web.New(nil)
	a.Register(e)

	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/api/greet?onComplete=json", strings.NewReader("Ada")))
	location := answer.Header().Get("Location")
	fmt.Println(answer.Code, location[:41], location[77:])
	// Output:
	// queued greet Ada
	// 202 https://status.example/api/RequestStatus/ ?onComplete=json
}
