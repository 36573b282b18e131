package amqp

import (
	"encoding/binary"
	"fmt"
	"time"
)

// AppendValue appends a value of any type that [Reader.Value] gives, and of int, []int64, []time.Time, []UUID, []Symbol and
// map[string]any as their AMQP equals. A value of any other type is appended as the string that fmt makes of it, so that
// encoding cannot fail.
func AppendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return AppendNull(b)
	case string:
		return AppendString(b, x)
	case Symbol:
		return AppendSymbol(b, x)
	case []byte:
		return AppendBinary(b, x)
	case UUID:
		return AppendUUID(b, x)
	case List:
		b, start := beginCompound(b, codeList8)
		return endCompound(appendItems(b, x), start, len(x))
	case Map:
		b, start := beginCompound(b, codeMap8)
		return endCompound(appendPairs(b, x), start, 2*len(x))
	case map[string]any:
		return appendGoMap(b, x)
	case Array:
		return appendArray(b, x)
	case *Described:
		return AppendValue(AppendValue(append(b, codeDescribed), x.Descriptor), x.Value)
	case []int64:
		return AppendLongs(b, x)
	case []time.Time:
		return AppendTimestamps(b, x)
	case []UUID:
		return AppendUUIDs(b, x)
	case []Symbol:
		return AppendSymbols(b, x)
	}
	return appendScalar(b, v)
}

// appendScalar appends a value of fixed width.
func appendScalar(b []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		return AppendBool(b, x)
	case uint8:
		return AppendUbyte(b, x)
	case int8:
		return AppendByte(b, x)
	case uint16:
		return AppendUshort(b, x)
	case int16:
		return AppendShort(b, x)
	case uint32:
		return AppendUint(b, x)
	case int32:
		return AppendInt(b, x)
	case uint64:
		return AppendUlong(b, x)
	case int64:
		return AppendLong(b, x)
	case int:
		return AppendLong(b, int64(x))
	case float32:
		return AppendFloat(b, x)
	case float64:
		return AppendDouble(b, x)
	case Char:
		return AppendChar(b, x)
	case time.Time:
		return AppendTimestamp(b, x)
	case Decimal32:
		return append(append(b, codeDecimal32), x[:]...)
	case Decimal64:
		return append(append(b, codeDecimal64), x[:]...)
	case Decimal128:
		return append(append(b, codeDecimal128), x[:]...)
	}
	return AppendString(b, fmt.Sprint(v))
}

func appendItems(b []byte, l List) []byte {
	for _, v := range l {
		b = AppendValue(b, v)
	}
	return b
}

func appendPairs(b []byte, m Map) []byte {
	for _, e := range m {
		b = AppendValue(AppendValue(b, e.Key), e.Value)
	}
	return b
}

// appendGoMap appends a map with string keys, in no particular order.
func appendGoMap(b []byte, m map[string]any) []byte {
	b, start := beginCompound(b, codeMap8)
	for k, v := range m {
		b = AppendValue(AppendString(b, k), v)
	}
	return endCompound(b, start, 2*len(m))
}

// Value takes the next value, whatever its type: nil, bool, the sized integers and floats, [Char], time.Time, [UUID], the
// decimals, []byte, string, [Symbol], [List], [Map], [Array] or *[Described]. Nothing in it refers to the input.
func (r *Reader) Value() any {
	code := r.constructor()
	if code != codeDescribed {
		return r.content(code)
	}
	if !r.enter() {
		return nil
	}
	defer r.leave()
	d := r.Value()
	return &Described{Descriptor: d, Value: r.Value()}
}

// content takes what follows a constructor.
func (r *Reader) content(code byte) any {
	kind, width := layout(code)
	switch kind {
	case layoutFixed:
		return scalar(code, r.take(width))
	case layoutVar8, layoutVar32:
		return r.sizedContent(code)
	}
	r.fail("unknown format code 0x%02x", code)
	return nil
}

// sizedContent takes a value of variable, compound or array layout.
func (r *Reader) sizedContent(code byte) any {
	body := r.sized(code)
	if r.err != nil {
		return nil
	}
	switch canonical(code) {
	case codeBinary32:
		return append(make([]byte, 0, len(body)), body...)
	case codeString32:
		return r.utf8(body)
	case codeSymbol32:
		return Symbol(body)
	}
	if !r.enter() {
		return nil
	}
	defer r.leave()
	inner := Reader{b: body, depth: r.depth}
	var v any
	switch canonical(code) {
	case codeList32:
		v = inner.list(inner.count(code))
	case codeMap32:
		v = inner.pairs(inner.count(code))
	default:
		v = inner.array(inner.count(code))
	}
	inner.finish()
	r.adopt(&inner)
	return v
}

// scalar decodes the content of a value of fixed width; b is nil after a failure.
func scalar(code byte, b []byte) any {
	if b == nil {
		return nil
	}
	switch code {
	case codeTrue:
		return true
	case codeFalse:
		return false
	case codeBool:
		return b[0] != 0
	case codeUbyte:
		return b[0]
	case codeByte:
		return int8(b[0])
	case codeUshort:
		return binary.BigEndian.Uint16(b)
	case codeShort:
		return int16(binary.BigEndian.Uint16(b))
	case codeUint0, codeSmallUint, codeUint:
		return uint32(unsigned(b))
	case codeUlong0, codeSmallUlong, codeUlong:
		return unsigned(b)
	case codeSmallInt:
		return int32(int8(b[0]))
	case codeInt:
		return int32(binary.BigEndian.Uint32(b))
	case codeSmallLong:
		return int64(int8(b[0]))
	case codeLong:
		return int64(binary.BigEndian.Uint64(b))
	case codeList0:
		return List{}
	}
	return rareScalar(code, b)
}
