package localazuretest_test

import (
	"regexp"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func TestMain(m *testing.M) { localazuretest.Main(m) }

// Every test of a package gets the same account.
func TestStorageIsShared(t *testing.T) {
	if first, second := localazuretest.Storage(t), localazuretest.Storage(t); first != second {
		t.Errorf("the second call gives %+v, the first gave %+v", second, first)
	}
}

// An account named by the environment is used as it is, and nothing is started.
func TestStorageFromEnvironment(t *testing.T) {
	want := localazure.Storage{
		AccountName: "account", AccountKey: "a2V5",
		BlobEndpoint: "http://127.0.0.1:1/account", QueueEndpoint: "http://127.0.0.1:2/account", TableEndpoint: "http://127.0.0.1:3/account",
	}
	t.Setenv("ASYNCREPLY_TEST_STORAGE", want.ConnectionString())
	if got := localazuretest.Storage(t); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Names suit tables, containers and queues alike, whatever the test is called, and do not repeat.
func TestName(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z][a-z0-9]{2,62}$`)
	for _, test := range []string{"é/ü 9", "0", "A long name with many words that no container could be called by, however hard one tries"} {
		t.Run(test, func(t *testing.T) {
			first, second := localazuretest.Name(t), localazuretest.Name(t)
			if !valid.MatchString(first) || first == second {
				t.Errorf("names %q and %q", first, second)
			}
		})
	}
}
