// Package resident tells how much memory other processes take.
package resident

// Size is memory in bytes, as it is resident: what a process really has, its
// program included. Where a system does not tell, it is not known.
type Size struct {
	Bytes int64
	Known bool
}

// Megabytes gives the size in units of 1,048,576 bytes.
func (s Size) Megabytes() float64 { return float64(s.Bytes) / (1 << 20) }

// Since gives how much more it is than at an earlier time.
func (s Size) Since(earlier Size) Size {
	return Size{Bytes: s.Bytes - earlier.Bytes, Known: s.Known && earlier.Known}
}
