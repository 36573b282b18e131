package localazure_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func TestMain(m *testing.M) {
	if options := os.Getenv(childVariable); options != "" {
		if err := runChild(options); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	localazuretest.Main(m)
}
