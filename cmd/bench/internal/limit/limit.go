// Package limit is the least that an HTTP service can do: an Echo server that
// reads a request and gives one answer, always the same, and stores nothing.
// The answer is one that a service gave, so that both send as many bytes.
package limit

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"
)

// Answer is what an HTTP service answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Record sends a request and gives its answer; redirects are answers too.
// Headers that every server adds anew are left out.
func Record(request *http.Request) (Answer, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	a := Answer{Status: response.StatusCode, Header: response.Header.Clone()}
	a.Header.Del("Date")
	a.Header.Del("Content-Length")
	a.Body, err = io.ReadAll(response.Body)
	return a, err
}

// Save writes the answer to a file for [Load].
func (a Answer) Save(path string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// Load reads what [Answer.Save] wrote.
func Load(path string) (a Answer, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

// ReadyPath answers 200 when the server is up.
const ReadyPath = "/readyz"

// Serve gives the answer to whatever is posted to an operation, and to every
// look at a status, until ctx is done.
func Serve(ctx context.Context, address string, a Answer) error {
	e := echo.New()
	e.POST("/api/:operation", a.give)
	e.GET("/api/RequestStatus/:id", a.give)
	e.GET(ReadyPath, func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	server := &http.Server{Addr: address, Handler: e, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (a Answer) give(c echo.Context) error {
	if _, err := io.ReadAll(c.Request().Body); err != nil {
		return err
	}
	header := c.Response().Header()
	for name, values := range a.Header {
		header[name] = values
	}
	c.Response().WriteHeader(a.Status)
	_, err := c.Response().Write(a.Body)
	return err
}
