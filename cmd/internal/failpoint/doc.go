// Package failpoint lets a process die, freeze or stall at a named point of
// its work, so that a test can see what becomes of what it was doing. It has
// code only in binaries built with the tag failpoints; those alone may import
// it for more than this comment.
//
// Points are armed by the environment: FAILPOINTS is a list such as
//
//	worker.after-blob=kill@3,worker.after-row=stop(8s)@1
//
// which reads: the third time the process comes by worker.after-blob it kills
// itself by SIGKILL, the first time it comes by worker.after-row it freezes by
// SIGSTOP for 8 seconds. The action delay(2s) stalls only whoever comes by.
//
// FAILPOINT_VITALS names a file into which the process writes, once a second,
// how many goroutines it has and how many bytes its heap holds after a
// collection.
package failpoint
