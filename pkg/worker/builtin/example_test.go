package builtin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

// A worker of one's own keeps the stock handlers beside its own.
func ExampleRegister() {
	mux := worker.NewMux()
	builtin.Register(mux)
	mux.Handle("greet", worker.JSON(func(_ context.Context, _ *worker.Job, name string) (string, error) {
		return "Hello, " + name, nil
	}))
	fmt.Println(strings.Join(mux.Names(), ", "))
	// Output: csv-profile, customer, greet, thumbnail
}

func ExampleCustomer() {
	o := workertest.Run(context.Background(), builtin.Customer(), workertest.Request{
		Payload: []byte(`{"id": "7", "customername": "Ann"}`),
	})
	var processed struct{ ID, CustomerName string }
	fmt.Println(json.Unmarshal(o.Result, &processed), processed.ID, processed.CustomerName)
	// Output: <nil> 7 Ann
}
