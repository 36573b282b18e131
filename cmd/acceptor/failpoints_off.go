//go:build !failpoints

package main

import "github.com/asyncreply/asyncreply/pkg/acceptor"

// withFailpoints leaves the sender as it is: only binaries built with the tag
// failpoints have any.
func withFailpoints(s acceptor.Sender) (acceptor.Sender, error) { return s, nil }
