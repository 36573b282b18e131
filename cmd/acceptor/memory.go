package main

import "runtime"

// reserved is how many bytes more than is in use may be allocated before
// garbage is collected. What the acceptor holds is so little that the runtime,
// which by default collects when the heap has doubled but not below 4 MB, would
// collect every few hundred requests: dozens of times a second under load.
const reserved = 24 << 20

// reserve has the garbage collector run less often until it is released. It is
// memory that counts as in use and is never touched, so that the system need
// not provide it; the other bytes in use still set the pace when they are many,
// as with large payloads, which a higher GOGC would let grow without need.
func reserve() (release func()) {
	memory := make([]byte, reserved)
	return func() { runtime.KeepAlive(memory) }
}
