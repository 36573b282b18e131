// Package job is the domain of asyncreply: what a job is, how it is named,
// which states it passes through, and what travels from the acceptor to the
// worker. It depends on the standard library only; every other package speaks
// in its terms.
//
// # The id
//
// A job's [ID], the RequestGUID of the pattern, is a UUIDv8 (RFC 9562, section
// 5.8) that carries its own proof of being genuine, so that a poll that comes
// before any worker has touched the job can be told from a forged one without
// reading storage. From the most significant bit:
//
//	bits      field
//	0–47      unix time in milliseconds, big-endian: ids sort by time
//	48–51     version, 8
//	52–59     shard: the table partition of this job
//	60–63     nonce, its 4 highest bits
//	64–65     variant, binary 10
//	66–111    nonce, its 46 lowest bits
//	112–127   MAC: HMAC-SHA-256(ticket key, bits 0–111 ‖ owner), truncated
//
// The MAC tells pending from never-was and nothing more; what keeps a job
// private is the 58 unpredictable bits of shard and nonce and the check of its
// owner, which the MAC covers.
//
// # The states
//
//	(queued: no record) → Running → Succeeded | Failed | Canceled
//	Running → Running     on a new attempt
//	(queued) → Canceled   by the caller
//	(queued) → Failed     dead-lettered before any attempt
//	(queued) → Succeeded | Failed   a job that ends before its first heartbeat
//
// A terminal state never changes, unless an operator puts a dead-lettered job
// back ([Record.Redrive]): Failed → Running. The transitions are methods of [Record]
// that return the next record; a store makes them count by writing
// conditionally on the [Record.Version] that was read.
package job
