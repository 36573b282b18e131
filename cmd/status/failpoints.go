//go:build failpoints

package main

import (
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/failpoint"
)

// withFailpoints has the service tell how it is. It has no points: it writes
// nothing but a cancel, which either is stored or is not.
func withFailpoints() { failpoint.WatchVitals(os.Getenv(failpoint.VitalsVariable)) }
