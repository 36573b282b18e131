package amqp

import "time"

// Symbol is the AMQP type symbol: an ASCII name from a constrained domain.
type Symbol string

// Char is the AMQP type char: one Unicode code point.
type Char rune

// UUID is the AMQP type uuid, its bytes in the order of RFC 9562.
type UUID [16]byte

// Decimal32 is an IEEE 754-2008 decimal32, kept as it was encoded.
type Decimal32 [4]byte

// Decimal64 is an IEEE 754-2008 decimal64, kept as it was encoded.
type Decimal64 [8]byte

// Decimal128 is an IEEE 754-2008 decimal128, kept as it was encoded.
type Decimal128 [16]byte

// List is a sequence of values of any types.
type List []any

// Entry is one pair of a Map.
type Entry struct {
	Key, Value any
}

// Map is an AMQP map with its pairs in the order they were encoded.
type Map []Entry

// Get gives the value whose key is the string or symbol name, or nil.
func (m Map) Get(name string) any {
	for _, e := range m {
		switch k := e.Key.(type) {
		case string:
			if k == name {
				return e.Value
			}
		case Symbol:
			if string(k) == name {
				return e.Value
			}
		}
	}
	return nil
}

// Array is a sequence of values of one type. Type is the format code that the elements share; for an array of described
// values Descriptor is their descriptor and Values holds what is described.
type Array struct {
	Type       byte
	Descriptor any
	Values     []any
}

// Described is a value annotated with a descriptor.
type Described struct {
	Descriptor, Value any
}

// Optional is a field of a performative that may be absent.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Some gives a field that is present.
func Some[T any](v T) Optional[T] { return Optional[T]{Value: v, Set: true} }

// Or gives the field's value, or def when it is absent.
func (o Optional[T]) Or(def T) T {
	if o.Set {
		return o.Value
	}
	return def
}

// timestamp converts milliseconds since the Unix epoch, the AMQP type timestamp, to a time in UTC.
func timestamp(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
