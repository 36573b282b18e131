package localazuretest

import (
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure"
)

const (
	storageVariable = "ASYNCREPLY_TEST_STORAGE"
	cacheVariable   = "ASYNCREPLY_CACHE"
)

// shared is the Azurite of this test binary. Tests and Main meet nowhere but in the package.
var shared struct {
	mu      sync.Mutex
	azurite *localazure.Azurite
	err     error // why it did not start; what failed once is not tried again for every test
}

// Storage returns the account that all tests of a package share. Call Main from TestMain to have it stopped.
func Storage(tb testing.TB) localazure.Storage {
	tb.Helper()
	if given := os.Getenv(storageVariable); given != "" {
		storage, err := localazure.ParseStorage(given)
		if err != nil {
			tb.Fatalf("%s: %v", storageVariable, err)
		}
		return storage
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.azurite == nil && shared.err == nil {
		options := AzuriteOptions()
		shared.azurite, shared.err = localazure.StartAzurite(tb.Context(), &options)
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	if err := shared.azurite.Err(); err != nil {
		tb.Fatal(err)
	}
	return shared.azurite.Storage()
}

func stopShared() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.azurite == nil {
		return nil
	}
	err := shared.azurite.Close()
	shared.azurite = nil
	return err
}

// Azurite starts an Azurite for one test, which is closed with the test. Options made from AzuriteOptions install it
// where Storage does.
func Azurite(tb testing.TB, opts localazure.AzuriteOptions) *localazure.Azurite {
	tb.Helper()
	azurite, err := localazure.StartAzurite(tb.Context(), &opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := azurite.Close(); err != nil {
			tb.Error(err)
		}
	})
	return azurite
}

// AzuriteOptions returns the zero options with the cache folder that the environment names, if it does.
func AzuriteOptions() localazure.AzuriteOptions {
	return localazure.AzuriteOptions{CacheDir: os.Getenv(cacheVariable)}
}

// Name returns a new name that tells the test it was made for and is right for a table, a blob container and a queue:
// 3 to 63 lower-case letters and digits, beginning with a letter.
func Name(tb testing.TB) string {
	const maxReadable = 40
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(strings.TrimPrefix(tb.Name(), "Test")))
	if len(readable) > maxReadable {
		readable = readable[:maxReadable]
	}
	return "t" + readable + strings.ToLower(rand.Text()[:12])
}
