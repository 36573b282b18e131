package limit_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/limit"
)

// TestServe states that the server answers as the service did, to the letter.
func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answer.json")
	want := limit.Answer{
		Status: http.StatusFound, Body: []byte(`{"a":1}`),
		Header: http.Header{"Location": {"http://elsewhere/"}, "Content-Type": {"application/json"}},
	}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := limit.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, saved)
	for _, request := range []*http.Request{
		newRequest(t, http.MethodPost, url+"/api/customer"),
		newRequest(t, http.MethodGet, url+"/api/RequestStatus/1"),
	} {
		if got, err := limit.Record(request); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: %+v, %v", request.Method, request.URL.Path, got, err)
		}
	}
}

func newRequest(t *testing.T, method, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// serve starts a server for the test and gives its URL once it answers.
func serve(t *testing.T, a limit.Answer) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- limit.Serve(ctx, address, a) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if response, err := http.Get("http://" + address + limit.ReadyPath); err == nil {
			response.Body.Close()
			return "http://" + address
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
