//go:build !failpoints

package main

import "github.com/asyncreply/asyncreply/pkg/acceptor"

// withFailpoints leaves everything as it is: only binaries built with the tag
// failpoints have any.
func withFailpoints(o acceptor.Options) (acceptor.Options, error) { return o, nil }
