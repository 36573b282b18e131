package browser_test

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// module gives the file URL that Node imports the client from.
func module(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("asyncreply.js")
	if err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}
