//go:build !failpoints

package main

// withFailpoints does nothing: only binaries built with the tag failpoints
// tell how they are.
func withFailpoints() {}
