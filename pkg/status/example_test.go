package status_test

import (
	"context"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/status"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// A status service needs the stores and the keys that the other services use,
// and ends its streams and long polls when its server stops.
func ExampleNew() {
	var (
		keys    *job.KeyRing   // as the acceptor's
		records status.Records // such as a tablestore.Store
		signer  status.Signer  // such as a blobstore.Signer
		results status.Results // such as the Results of a blobstore.Store
	)
	service, err := status.New(&status.Options{
		BaseURL: "https://status.example.com",
		Keys:    keys,
		Records: records,
		Signer:  signer,
		Results: results,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := web.New(nil)
	service.Register(e)
	_ = web.Serve(context.Background(), &web.ServeOptions{Addr: ":8081", Handler: e, OnShutdown: service.Close})
}
