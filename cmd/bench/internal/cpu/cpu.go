// Package cpu tells how much processor time other processes have used.
package cpu

import "time"

// Time is processor time, of user and kernel together. Where a system does not
// tell, it is not known.
type Time struct {
	Used  time.Duration
	Known bool
}

// Since gives what was used since an earlier time of the same process.
func (t Time) Since(earlier Time) Time {
	return Time{Used: t.Used - earlier.Used, Known: t.Known && earlier.Known}
}

// Plus adds the time of another process, or of another round.
func (t Time) Plus(other Time) Time {
	return Time{Used: t.Used + other.Used, Known: t.Known && other.Known}
}
