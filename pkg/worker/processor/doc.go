// Package processor has the handlers that need no Go code: [HTTP] forwards a
// job to a backend, [Exec] runs a program on it. The operations file
// configures them; docs/operations-file.md is their reference for those who
// write backends and programs.
package processor
