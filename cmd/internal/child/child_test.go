package child_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// TestMain is also the program that the tests start.
func TestMain(m *testing.M) {
	if address := os.Getenv("SERVE"); address != "" {
		fmt.Println("serving", os.Args[1])
		fmt.Println(http.ListenAndServe(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// start starts this program anew, on an address, and gives what it writes.
func start(t *testing.T, address string) (*child.Child, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	output, input := io.Pipe()
	c, err := child.Start(child.Spec{
		Name: "server", Path: self, Args: []string{"something"}, Environ: append(os.Environ(), "SERVE="+address),
		Ready: "http://" + address, Output: input,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop(10 * time.Second) })
	return c, output
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func awaitReady(t *testing.T, c *child.Child) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.AwaitReady(ctx)
}

// TestLife states that a program is started with its arguments, found ready,
// and gone after Stop, when its output ends.
func TestLife(t *testing.T) {
	c, output := start(t, freeAddress(t))
	text := make(chan string)
	go func() {
		all, _ := io.ReadAll(output)
		text <- string(all)
	}()
	if err := awaitReady(t, c); err != nil {
		t.Fatal(err)
	}
	c.Stop(10 * time.Second)
	select {
	case <-c.Ended():
	default:
		t.Error("the process has not ended")
	}
	if got := <-text; got != "serving something\n" {
		t.Errorf("it wrote %q", got)
	}
	c.Stop(time.Second) // and nothing happens
}

// TestEndsEarly states that a program that ends by itself is not waited for,
// and that its end is told.
func TestEndsEarly(t *testing.T) {
	c, output := start(t, "nowhere")
	go io.Copy(io.Discard, output)
	if err := awaitReady(t, c); err == nil || !strings.Contains(err.Error(), "server ended") {
		t.Errorf("ready: %v", err)
	}
	if err := c.Err(); err == nil || err.Error() != "exit status 3" {
		t.Errorf("ended with %v", err)
	}
}

// TestNoSuchProgram states that a program that is not there is named, and its
// output closed.
func TestNoSuchProgram(t *testing.T) {
	output, input := io.Pipe()
	_, err := child.Start(child.Spec{Name: "nobody", Path: filepath.Join(t.TempDir(), "nobody"), Output: input})
	if err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v", err)
	}
	if _, err := output.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("its output: %v", err)
	}
}
