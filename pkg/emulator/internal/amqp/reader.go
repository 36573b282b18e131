package amqp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ErrMalformed is wrapped by every error that decoding gives.
var ErrMalformed = errors.New("malformed AMQP data")

// MaxDepth is how deep described values, lists, maps and arrays may be nested.
const MaxDepth = 32

// maxEmptyElements is how many elements an array may have when they take no bytes, as an array of nulls does.
const maxEmptyElements = 16

// Reader takes values one after another from encoded bytes. The first failure sticks: from then on every method gives a
// zero value, and Err gives the reason.
type Reader struct {
	b     []byte
	depth int
	err   error
}

// NewReader gives a Reader over b, which must not change while values or raw slices taken from it are in use.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Err gives the first failure.
func (r *Reader) Err() error { return r.err }

// Len gives the number of bytes not taken yet.
func (r *Reader) Len() int { return len(r.b) }

// Rest gives the bytes not taken yet.
func (r *Reader) Rest() []byte { return r.b }

func (r *Reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

// adopt takes over the failure of a Reader over a part of r's input.
func (r *Reader) adopt(inner *Reader) {
	if inner.err != nil && r.err == nil {
		r.err, r.b = inner.err, nil
	}
}

// finish fails when bytes are left over.
func (r *Reader) finish() {
	if len(r.b) != 0 {
		r.fail("%d bytes left over", len(r.b))
	}
}

func (r *Reader) enter() bool {
	if r.depth++; r.depth > MaxDepth {
		r.fail("nested deeper than %d", MaxDepth)
		return false
	}
	return true
}

func (r *Reader) leave() { r.depth-- }

// take gives the next n bytes, or nil after a failure. It never gives nil otherwise.
func (r *Reader) take(n int) []byte {
	if r.b == nil || n > len(r.b) {
		return r.takeShort(n)
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// takeShort is take when there are not enough bytes, or none.
func (r *Reader) takeShort(n int) []byte {
	if r.err == nil && n == 0 {
		return []byte{}
	}
	r.fail("%d bytes wanted, %d left", n, len(r.b))
	return nil
}

// constructor takes a format code; after a failure it gives that of null.
func (r *Reader) constructor() byte {
	if len(r.b) == 0 {
		r.fail("a value is missing")
		return codeNull
	}
	code := r.b[0]
	r.b = r.b[1:]
	return code
}

// sized takes the size and content of a value in a layout with a size.
func (r *Reader) sized(code byte) []byte {
	if kind, _ := layout(code); kind == layoutVar8 {
		if n := r.take(1); n != nil {
			return r.take(int(n[0]))
		}
		return nil
	}
	return r.take(r.length())
}

// length takes a number of four bytes that counts bytes or elements.
func (r *Reader) length() int {
	n := r.take(4)
	if n == nil {
		return 0
	}
	v := binary.BigEndian.Uint32(n)
	if v > math.MaxInt32 {
		r.fail("a length of %d", v)
		return 0
	}
	return int(v)
}

// count takes the element count at the start of a compound or array with this code.
func (r *Reader) count(code byte) int {
	if kind, _ := layout(code); kind == layoutVar32 {
		return r.length()
	}
	if n := r.take(1); n != nil {
		return int(n[0])
	}
	return 0
}

func (r *Reader) utf8(b []byte) string {
	if !utf8.Valid(b) {
		r.fail("a string is not UTF-8")
		return ""
	}
	return string(b)
}

// list takes n values.
func (r *Reader) list(n int) List {
	if n > len(r.b) {
		r.fail("%d values in %d bytes", n, len(r.b))
		return nil
	}
	l := make(List, 0, n)
	for range n {
		l = append(l, r.Value())
		if r.err != nil {
			return nil
		}
	}
	return l
}

// pairs takes n values as keys and values of a map.
func (r *Reader) pairs(n int) Map {
	if n%2 != 0 || n > len(r.b) {
		r.fail("a map of %d values in %d bytes", n, len(r.b))
		return nil
	}
	m := make(Map, 0, n/2)
	for range n / 2 {
		k := r.Value()
		m = append(m, Entry{Key: k, Value: r.Value()})
		if r.err != nil {
			return nil
		}
	}
	return m
}

// array takes the constructor that n elements share, and the elements.
func (r *Reader) array(n int) Array {
	var a Array
	code := r.constructor()
	if code == codeDescribed {
		a.Descriptor = r.Value()
		code = r.constructor()
	}
	r.checkElements(code, n)
	if r.err != nil {
		return Array{}
	}
	a.Type, a.Values = canonical(code), make([]any, 0, n)
	for range n {
		a.Values = append(a.Values, r.content(code))
		if r.err != nil {
			return Array{}
		}
	}
	return a
}

// checkElements fails when n elements with this code cannot be in what is left.
func (r *Reader) checkElements(code byte, n int) {
	kind, width := layout(code)
	switch {
	case kind == layoutUnknown:
		r.fail("unknown format code 0x%02x", code)
	case kind == layoutFixed && width == 0:
		if n > maxEmptyElements {
			r.fail("an array of %d elements without content", n)
		}
	case n > len(r.b):
		r.fail("an array of %d elements in %d bytes", n, len(r.b))
	}
}
