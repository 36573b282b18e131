package amqp

import (
	"encoding/binary"
	"math"
)

// unsigned gives the big-endian number in b, of 0 to 8 bytes.
func unsigned(b []byte) uint64 {
	switch len(b) {
	case 0:
		return 0
	case 1:
		return uint64(b[0])
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// rareScalar decodes the types of fixed width that the protocol itself hardly uses.
func rareScalar(code byte, b []byte) any {
	switch code {
	case codeFloat:
		return math.Float32frombits(binary.BigEndian.Uint32(b))
	case codeDouble:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case codeChar:
		return Char(binary.BigEndian.Uint32(b))
	case codeTimestamp:
		return timestamp(int64(binary.BigEndian.Uint64(b)))
	case codeDecimal32:
		return Decimal32(b)
	case codeDecimal64:
		return Decimal64(b)
	case codeDecimal128:
		return Decimal128(b)
	case codeUUID:
		return UUID(b)
	}
	return nil
}
