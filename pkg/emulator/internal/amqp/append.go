package amqp

import (
	"encoding/binary"
	"math"
	"time"
)

// AppendNull appends a null.
func AppendNull(b []byte) []byte { return append(b, codeNull) }

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

// AppendUbyte appends an unsigned 8-bit integer.
func AppendUbyte(b []byte, v uint8) []byte { return append(b, codeUbyte, v) }

// AppendByte appends a signed 8-bit integer.
func AppendByte(b []byte, v int8) []byte { return append(b, codeByte, byte(v)) }

// AppendUshort appends an unsigned 16-bit integer.
func AppendUshort(b []byte, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, codeUshort), v)
}

// AppendShort appends a signed 16-bit integer.
func AppendShort(b []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(append(b, codeShort), uint16(v))
}

// AppendUint appends an unsigned 32-bit integer in its shortest form.
func AppendUint(b []byte, v uint32) []byte {
	switch {
	case v == 0:
		return append(b, codeUint0)
	case v <= math.MaxUint8:
		return append(b, codeSmallUint, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(b, codeUint), v)
}

// AppendInt appends a signed 32-bit integer in its shortest form.
func AppendInt(b []byte, v int32) []byte {
	if v == int32(int8(v)) {
		return append(b, codeSmallInt, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(b, codeInt), uint32(v))
}

// AppendUlong appends an unsigned 64-bit integer in its shortest form.
func AppendUlong(b []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(b, codeUlong0)
	case v <= math.MaxUint8:
		return append(b, codeSmallUlong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(b, codeUlong), v)
}

// AppendLong appends a signed 64-bit integer in its shortest form.
func AppendLong(b []byte, v int64) []byte {
	if v == int64(int8(v)) {
		return append(b, codeSmallLong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(b, codeLong), uint64(v))
}

// AppendFloat appends a 32-bit floating-point number.
func AppendFloat(b []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(append(b, codeFloat), math.Float32bits(v))
}

// AppendDouble appends a 64-bit floating-point number.
func AppendDouble(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, codeDouble), math.Float64bits(v))
}

// AppendChar appends one Unicode code point.
func AppendChar(b []byte, v Char) []byte {
	return binary.BigEndian.AppendUint32(append(b, codeChar), uint32(v))
}

// AppendTimestamp appends a time, cut to milliseconds.
func AppendTimestamp(b []byte, v time.Time) []byte {
	return binary.BigEndian.AppendUint64(append(b, codeTimestamp), uint64(v.UnixMilli()))
}

// AppendUUID appends a uuid.
func AppendUUID(b []byte, v UUID) []byte { return append(append(b, codeUUID), v[:]...) }

// AppendBinary appends a sequence of bytes.
func AppendBinary(b, v []byte) []byte {
	return append(appendVariable(b, codeBinary8, len(v)), v...)
}

// AppendString appends a string, which must be UTF-8.
func AppendString(b []byte, v string) []byte {
	return append(appendVariable(b, codeString8, len(v)), v...)
}

// AppendSymbol appends a symbol, which must be ASCII.
func AppendSymbol(b []byte, v Symbol) []byte {
	return append(appendVariable(b, codeSymbol8, len(v)), v...)
}

// appendVariable appends the format code and size of a value of n bytes, given the code of its short form.
func appendVariable(b []byte, code8 byte, n int) []byte {
	if n <= math.MaxUint8 {
		return append(b, code8, byte(n))
	}
	const longer = codeBinary32 - codeBinary8
	return binary.BigEndian.AppendUint32(append(b, code8+longer), uint32(n))
}

// appendDescriptor appends the constructor prefix that describes the value to follow.
func appendDescriptor(b []byte, d Descriptor) []byte {
	return AppendUlong(append(b, codeDescribed), uint64(d))
}
