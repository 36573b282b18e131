//go:build !linux

package resident

// Peak does not know.
func Peak(int) Size { return Size{} }

// Now does not know.
func Now(int) Size { return Size{} }
