package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// A service whose one resource fails with a problem.
func Example() {
	e := web.New(nil)
	health := web.NewHealth(nil)
	health.Register(e)
	e.GET("/tea", func(echo.Context) error {
		return web.NewProblem(job.CodeServerBusy, "The kettle is cold.").With("kettle", 1)
	})

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listening := make(chan net.Addr, 1)
	stopped := make(chan error)
	go func() {
		stopped <- web.Serve(ctx, &web.ServeOptions{
			Addr: "127.0.0.1:0", Handler: e, Health: health,
			OnListening: func(addr net.Addr) { listening <- addr },
		})
	}()

	response, err := http.Get(fmt.Sprintf("http://%s/tea", <-listening))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	fmt.Println(response.StatusCode, response.Header.Get(web.HeaderErrorCode), response.Header.Get("Retry-After"))
	cancel()
	fmt.Println(<-stopped)
	// Output:
	// 503 ServerBusy 2
	// <nil>
}
