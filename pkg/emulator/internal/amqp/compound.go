package amqp

import (
	"encoding/binary"
	"math"
)

// beginCompound appends the short header of a list or map, given by its short format code, and leaves size and count open.
// The start it gives goes to endCompound.
func beginCompound(b []byte, code8 byte) (_ []byte, start int) {
	return append(b, code8, 0, 0), len(b)
}

// endCompound fills in the size and count of the list or map begun at start. One that is too large for the short form is
// moved up to make room for the long header.
func endCompound(b []byte, start, count int) []byte {
	const shortHeader, longHeader = 3, 9
	body := len(b) - start - shortHeader
	if body+1 <= math.MaxUint8 && count <= math.MaxUint8 {
		b[start+1], b[start+2] = byte(body+1), byte(count)
		return b
	}
	b = append(b, 0, 0, 0, 0, 0, 0)
	copy(b[start+longHeader:], b[start+shortHeader:start+shortHeader+body])
	b[start] += codeList32 - codeList8
	binary.BigEndian.PutUint32(b[start+1:], uint32(body+4))
	binary.BigEndian.PutUint32(b[start+5:], uint32(count))
	return b
}

// composite appends the fields of a composite type one after another. Fields left out at the end cost nothing.
type composite struct {
	b            []byte
	start        int
	count, nulls int
}

// beginComposite starts a described list.
func beginComposite(b []byte, d Descriptor) composite {
	b, start := beginCompound(appendDescriptor(b, d), codeList8)
	return composite{b: b, start: start}
}

// end gives the bytes with the finished list.
func (c *composite) end() []byte { return endCompound(c.b, c.start, c.count) }

// skip leaves a field out.
func (c *composite) skip() { c.nulls++ }

// field makes room for a field that is present and gives whether it is.
func (c *composite) field(present bool) bool {
	if !present {
		c.nulls++
		return false
	}
	c.count += c.nulls + 1
	for ; c.nulls > 0; c.nulls-- {
		c.b = append(c.b, codeNull)
	}
	return true
}

func (c *composite) bool(v bool) {
	if c.field(v) {
		c.b = append(c.b, codeTrue)
	}
}

func (c *composite) ubyte(v Optional[uint8]) {
	if c.field(v.Set) {
		c.b = AppendUbyte(c.b, v.Value)
	}
}

func (c *composite) ushort(v Optional[uint16]) {
	if c.field(v.Set) {
		c.b = AppendUshort(c.b, v.Value)
	}
}

func (c *composite) uint(v Optional[uint32]) {
	if c.field(v.Set) {
		c.b = AppendUint(c.b, v.Value)
	}
}

func (c *composite) ulong(v Optional[uint64]) {
	if c.field(v.Set) {
		c.b = AppendUlong(c.b, v.Value)
	}
}

func (c *composite) string(v Optional[string]) {
	if c.field(v.Set) {
		c.b = AppendString(c.b, v.Value)
	}
}

func (c *composite) symbol(v Symbol) {
	if c.field(v != "") {
		c.b = AppendSymbol(c.b, v)
	}
}

func (c *composite) symbols(v []Symbol) {
	if c.field(len(v) > 0) {
		c.b = AppendSymbols(c.b, v)
	}
}

func (c *composite) binary(v []byte) {
	if c.field(v != nil) {
		c.b = AppendBinary(c.b, v)
	}
}

// raw takes a field that is encoded already; nil leaves it out.
func (c *composite) raw(v []byte) {
	if c.field(v != nil) {
		c.b = append(c.b, v...)
	}
}

// value takes a field of any type; nil leaves it out.
func (c *composite) value(v any) {
	if c.field(v != nil) {
		c.b = AppendValue(c.b, v)
	}
}

// BeginMap starts a map. Append its pairs, then give start and their number to EndMap.
func BeginMap(b []byte) (_ []byte, start int) { return beginCompound(b, codeMap8) }

// EndMap finishes the map begun at start, of so many pairs.
func EndMap(b []byte, start, pairs int) []byte { return endCompound(b, start, pairs*2) }

// BeginList starts a list. Append its values, then give start and their number to EndList.
func BeginList(b []byte) (_ []byte, start int) { return beginCompound(b, codeList8) }

// EndList finishes the list begun at start, of so many values.
func EndList(b []byte, start, values int) []byte { return endCompound(b, start, values) }
