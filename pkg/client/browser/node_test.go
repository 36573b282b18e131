package browser_test

import (
	"testing"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

// TestFaults keeps the promises of the client about services and networks
// that misbehave: testdata/faults.test.mjs states each.
func TestFaults(t *testing.T) {
	t.Parallel()
	browsertest.Node(t, []string{"MODULE=" + module(t)}, "testdata/faults.test.mjs")
}

// TestNode keeps the promise that the client works in Node.js with the real
// services, and that Azure's own poller, @azure/core-lro, does too.
func TestNode(t *testing.T) {
	t.Parallel()
	system := browsertest.Start(t)
	environ := []string{"MODULE=" + module(t), "ACCEPTOR=" + system.Acceptor, "STATUS=" + system.Status}
	t.Run("client", func(t *testing.T) { browsertest.Node(t, environ, "testdata/system.test.mjs") })
	t.Run("core-lro", func(t *testing.T) { browsertest.Node(t, environ, "testdata/corelro.test.mjs") })
}
