//go:build !failpoints

package main

import "github.com/asyncreply/asyncreply/pkg/worker"

// withFailpoints leaves everything as it is: only binaries built with the tag
// failpoints have any.
func withFailpoints(opts *worker.Options) (*worker.Options, error) { return opts, nil }
