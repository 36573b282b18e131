package amqp

import (
	"encoding/binary"
	"math"
	"time"
)

// beginArray appends the header of an array of count elements that are n bytes long all together, and their constructor.
func beginArray(b []byte, count, n int, element byte) []byte {
	if n+2 <= math.MaxUint8 && count <= math.MaxUint8 {
		return append(b, codeArray8, byte(n+2), byte(count), element)
	}
	b = binary.BigEndian.AppendUint32(append(b, codeArray32), uint32(n+5))
	return append(binary.BigEndian.AppendUint32(b, uint32(count)), element)
}

// AppendLongs appends an array of signed 64-bit integers.
func AppendLongs(b []byte, v []int64) []byte {
	b = beginArray(b, len(v), 8*len(v), codeLong)
	for _, n := range v {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// AppendTimestamps appends an array of times, cut to milliseconds.
func AppendTimestamps(b []byte, v []time.Time) []byte {
	b = beginArray(b, len(v), 8*len(v), codeTimestamp)
	for _, t := range v {
		b = binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
	}
	return b
}

// AppendUUIDs appends an array of uuids.
func AppendUUIDs(b []byte, v []UUID) []byte {
	b = beginArray(b, len(v), 16*len(v), codeUUID)
	for _, u := range v {
		b = append(b, u[:]...)
	}
	return b
}

// AppendSymbols appends an array of symbols.
func AppendSymbols(b []byte, v []Symbol) []byte {
	code, n := byte(codeSymbol8), 0
	for _, s := range v {
		n += len(s)
		if len(s) > math.MaxUint8 {
			code = codeSymbol32
		}
	}
	if code == codeSymbol8 {
		n += len(v)
	} else {
		n += 4 * len(v)
	}
	b = beginArray(b, len(v), n, code)
	for _, s := range v {
		if code == codeSymbol8 {
			b = append(b, byte(len(s)))
		} else {
			b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		}
		b = append(b, s...)
	}
	return b
}

// appendArray appends an array of any element type. An element that is not of the array's type is written as the zero
// value of that type.
func appendArray(b []byte, a Array) []byte {
	start := len(b)
	b = append(b, codeArray32, 0, 0, 0, 0, 0, 0, 0, 0)
	if a.Descriptor != nil {
		b = AppendValue(append(b, codeDescribed), a.Descriptor)
	}
	code := canonical(a.Type)
	b = append(b, code)
	for _, v := range a.Values {
		b = appendElement(b, code, v)
	}
	binary.BigEndian.PutUint32(b[start+1:], uint32(len(b)-start-5))
	binary.BigEndian.PutUint32(b[start+5:], uint32(len(a.Values)))
	return b
}

// appendElement appends v without its constructor, in the layout of a canonical code.
func appendElement(b []byte, code byte, v any) []byte {
	if kind, width := layout(code); kind == layoutFixed {
		return appendFixed(b, width, v)
	}
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	switch x := v.(type) {
	case []byte:
		b = append(b, x...)
	case string:
		b = append(b, x...)
	case Symbol:
		b = append(b, x...)
	case List:
		b = appendItems(binary.BigEndian.AppendUint32(b, uint32(len(x))), x)
	case Map:
		b = appendPairs(binary.BigEndian.AppendUint32(b, uint32(2*len(x))), x)
	case Array:
		return append(b[:start], appendArray(nil, x)[1:]...)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendFixed appends the bits of a scalar in width bytes.
func appendFixed(b []byte, width int, v any) []byte {
	switch x := v.(type) {
	case Decimal32:
		return append(b, x[:]...)
	case Decimal64:
		return append(b, x[:]...)
	case Decimal128:
		return append(b, x[:]...)
	case UUID:
		return append(b, x[:]...)
	}
	var bits [16]byte
	binary.BigEndian.PutUint64(bits[8:], scalarBits(v))
	return append(b, bits[16-width:]...)
}

// scalarBits gives the bits of a number, boolean, char or timestamp, sign-extended where it has a sign.
func scalarBits(v any) uint64 {
	switch x := v.(type) {
	case bool:
		if x {
			return 1
		}
	case uint8:
		return uint64(x)
	case int8:
		return uint64(x)
	case uint16:
		return uint64(x)
	case int16:
		return uint64(x)
	case uint32:
		return uint64(x)
	case int32:
		return uint64(x)
	case uint64:
		return x
	case int64:
		return uint64(x)
	case float32:
		return uint64(math.Float32bits(x))
	case float64:
		return math.Float64bits(x)
	case Char:
		return uint64(x)
	case time.Time:
		return uint64(x.UnixMilli())
	}
	return 0
}
