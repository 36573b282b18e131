package amqp

import (
	"encoding/binary"
	"time"
)

// open takes a list or map and gives a Reader over its items and their number. A null counts as an empty one.
func (r *Reader) open(kind byte) (Reader, int) {
	code := r.constructor()
	if code == codeNull || code == codeList0 && kind == codeList32 {
		return Reader{depth: r.depth + 1}, 0
	}
	if canonical(code) != kind {
		r.fail("format code 0x%02x where 0x%02x is due", code, kind)
		return Reader{err: r.err}, 0
	}
	inner := Reader{b: r.sized(code), depth: r.depth + 1, err: r.err}
	n := inner.count(code)
	if n > len(inner.b) {
		inner.fail("%d values in %d bytes", n, len(inner.b))
	}
	r.adopt(&inner)
	return inner, n
}

// OpenMap takes a map and gives a Reader over its keys and values and the number of pairs. A null counts as an empty map.
func (r *Reader) OpenMap() (Reader, int) {
	inner, n := r.open(codeMap32)
	if n%2 != 0 {
		r.fail("a map of %d values", n)
	}
	return inner, n / 2
}

// OpenList takes a list and gives a Reader over its items and their number. A null counts as an empty list.
func (r *Reader) OpenList() (Reader, int) { return r.open(codeList32) }

// fields takes the fields of a composite type in order. A field that is null or beyond the end is absent.
type fields struct {
	r Reader
	n int
}

// openFields takes the list of a composite type.
func (r *Reader) openFields() fields {
	inner, n := r.OpenList()
	return fields{r: inner, n: n}
}

// close checks what is left, which are fields of a later version of the type, and passes a failure on to r.
func (f *fields) close(r *Reader) {
	for ; f.n > 0; f.n-- {
		f.r.Skip()
	}
	f.r.finish()
	r.adopt(&f.r)
}

// next gives whether the next field is present; if not it has been taken.
func (f *fields) next() bool {
	if f.n <= 0 || f.r.err != nil {
		return false
	}
	f.n--
	if len(f.r.b) > 0 && f.r.b[0] == codeNull {
		f.r.b = f.r.b[1:]
		return false
	}
	return true
}

// number takes a value of one type of fixed width, given by its canonical code.
func (r *Reader) number(want byte) []byte {
	code := r.constructor()
	if canonical(code) != want {
		r.fail("format code 0x%02x where 0x%02x is due", code, want)
		return nil
	}
	_, width := layout(code)
	return r.take(width)
}

func (f *fields) bool() bool {
	if !f.next() {
		return false
	}
	switch code := f.r.constructor(); code {
	case codeTrue:
		return true
	case codeFalse:
		return false
	case codeBool:
		b := f.r.take(1)
		return b != nil && b[0] != 0
	default:
		f.r.fail("format code 0x%02x where a boolean is due", code)
		return false
	}
}

func (f *fields) ubyte() (v Optional[uint8]) {
	if f.next() {
		v = Some(uint8(unsigned(f.r.number(codeUbyte))))
	}
	return v
}

func (f *fields) ushort() (v Optional[uint16]) {
	if f.next() {
		v = Some(uint16(unsigned(f.r.number(codeUshort))))
	}
	return v
}

func (f *fields) uint() (v Optional[uint32]) {
	if f.next() {
		v = Some(uint32(unsigned(f.r.number(codeUint))))
	}
	return v
}

func (f *fields) ulong() (v Optional[uint64]) {
	if f.next() {
		v = Some(f.r.ulong())
	}
	return v
}

func (r *Reader) ulong() uint64 { return unsigned(r.number(codeUlong)) }

func (f *fields) timestamp() (v Optional[time.Time]) {
	if f.next() {
		if b := f.r.number(codeTimestamp); b != nil {
			v = Some(timestamp(int64(binary.BigEndian.Uint64(b))))
		}
	}
	return v
}

// variable takes the bytes of a value of one variable type, given its long code.
func (r *Reader) variable(code32 byte) []byte {
	code := r.constructor()
	if canonical(code) != code32 {
		r.fail("format code 0x%02x where 0x%02x is due", code, code32)
		return nil
	}
	return r.sized(code)
}

func (f *fields) string() (v Optional[string]) {
	if f.next() {
		v = Some(f.r.utf8(f.r.variable(codeString32)))
	}
	return v
}

func (f *fields) symbol() Symbol {
	if !f.next() {
		return ""
	}
	return Symbol(f.r.variable(codeSymbol32))
}

// symbols takes an array of symbols, which may also be a single one.
func (f *fields) symbols() []Symbol {
	if !f.next() {
		return nil
	}
	switch v := f.r.Value().(type) {
	case Symbol:
		return []Symbol{v}
	case Array:
		names := make([]Symbol, 0, len(v.Values))
		for _, e := range v.Values {
			name, ok := e.(Symbol)
			if !ok {
				break
			}
			names = append(names, name)
		}
		if len(names) == len(v.Values) {
			return names
		}
	}
	f.r.fail("a field that is no array of symbols")
	return nil
}

// binary takes bytes without copying them.
func (f *fields) binary() []byte {
	if !f.next() {
		return nil
	}
	return f.r.variable(codeBinary32)
}

func (f *fields) raw() []byte {
	if !f.next() {
		return nil
	}
	return f.r.Raw()
}

func (f *fields) skip() {
	if f.next() {
		f.r.Skip()
	}
}

func (f *fields) value() any {
	if !f.next() {
		return nil
	}
	return f.r.Value()
}
