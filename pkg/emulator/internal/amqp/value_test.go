package amqp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Every primitive type, and every way to nest them, comes back from its encoding as it went in.
func TestValueRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 30, 0, 123e6, time.UTC)
	long := strings.Repeat("ä", 200)
	values := []any{
		nil, true, false,
		uint8(0), uint8(255), uint16(65535), uint32(0), uint32(200), uint32(math.MaxUint32),
		uint64(0), uint64(200), uint64(math.MaxUint64),
		int8(-128), int16(-2), int32(-128), int32(128), int32(math.MinInt32),
		int64(-128), int64(-129), int64(math.MaxInt64),
		float32(1.5), math.Pi, Char('€'), at, timestamp(math.MinInt64), timestamp(math.MaxInt64),
		UUID{1, 2, 3, 15: 16}, Decimal32{1}, Decimal64{2}, Decimal128{3},
		[]byte{}, []byte(long), "", "ascii", long, Symbol(""), Symbol("amqp:x"), Symbol(strings.Repeat("s", 300)),
		List{}, List{nil, "a", List{int32(1)}},
		Map{}, Map{{"k", uint32(7)}, {Symbol("s"), Map{{int64(1), nil}}}},
		List{strings.Repeat("x", 250)}, List{strings.Repeat("x", 251)}, List{strings.Repeat("x", 252)},
		&Described{Symbol("my:type"), List{"v"}}, &Described{uint64(0x77), &Described{nil, nil}},
		Array{Type: codeNull, Values: []any{nil, nil}},
		Array{Type: codeBool, Values: []any{true, false}},
		Array{Type: codeUint, Values: []any{uint32(1), uint32(1 << 30)}},
		Array{Type: codeInt, Values: []any{int32(-1), int32(5)}},
		Array{Type: codeLong, Values: []any{int64(-1)}},
		Array{Type: codeUshort, Values: []any{uint16(7)}},
		Array{Type: codeFloat, Values: []any{float32(0.5)}},
		Array{Type: codeDouble, Values: []any{0.25}},
		Array{Type: codeChar, Values: []any{Char('x')}},
		Array{Type: codeTimestamp, Values: []any{at}},
		Array{Type: codeUUID, Values: []any{UUID{9}}},
		Array{Type: codeDecimal32, Values: []any{Decimal32{9}}},
		Array{Type: codeDecimal64, Values: []any{Decimal64{9}}},
		Array{Type: codeDecimal128, Values: []any{Decimal128{9}}},
		Array{Type: codeString32, Values: []any{"", long}},
		Array{Type: codeSymbol32, Values: []any{Symbol("a")}},
		Array{Type: codeBinary32, Values: []any{[]byte("b")}},
		Array{Type: codeList32, Values: []any{List{"a"}, List{}}},
		Array{Type: codeMap32, Values: []any{Map{{"a", nil}}}},
		Array{Type: codeArray32, Values: []any{Array{Type: codeByte, Values: []any{int8(-3)}}}},
		Array{Type: codeLong, Descriptor: Symbol("d"), Values: []any{int64(4)}},
	}
	for _, v := range values {
		b := AppendValue(nil, v)
		r := NewReader(b)
		if got := r.Value(); !reflect.DeepEqual(got, v) || r.Err() != nil || r.Len() != 0 {
			t.Errorf("%#v came back as %#v, %v, %d left", v, got, r.Err(), r.Len())
		}
		r = NewReader(b)
		if raw := r.Raw(); !bytes.Equal(raw, b) || r.Err() != nil {
			t.Errorf("raw %#v: %x of %x, %v", v, raw, b, r.Err())
		}
	}
}

// The array writers of one type give what reading an array of that type expects, short and long.
func TestTypedArrays(t *testing.T) {
	for _, n := range []int{0, 1, 15, 31, 300} {
		var longs []int64
		var times []time.Time
		var uuids []UUID
		var symbols []Symbol
		var wantLongs, wantTimes, wantUUIDs, wantSymbols []any
		for i := range n {
			longs, wantLongs = append(longs, int64(i)<<30), append(wantLongs, int64(i)<<30)
			at := timestamp(int64(i) * 1e6)
			times, wantTimes = append(times, at), append(wantTimes, at)
			uuids, wantUUIDs = append(uuids, UUID{byte(i)}), append(wantUUIDs, UUID{byte(i)})
			s := Symbol(strings.Repeat("s", i))
			symbols, wantSymbols = append(symbols, s), append(wantSymbols, s)
		}
		for _, c := range []struct {
			encode any
			want   []any
		}{{longs, wantLongs}, {times, wantTimes}, {uuids, wantUUIDs}, {symbols, wantSymbols}} {
			r := NewReader(AppendValue(nil, c.encode))
			a, ok := r.Value().(Array)
			if !ok || r.Err() != nil || r.Len() != 0 || len(a.Values) != n || n > 0 && !reflect.DeepEqual(a.Values, c.want) {
				t.Errorf("%d of %T came back as %#v, %v", n, c.encode, a, r.Err())
			}
		}
	}
}

// Go values without an AMQP type of their own are encoded as the nearest one rather than lost.
func TestAppendValueOfOtherTypes(t *testing.T) {
	for _, c := range []struct{ in, want any }{
		{int(-7), int64(-7)},
		{map[string]any{"a": "b"}, Map{{"a", "b"}}},
		{time.Second, "1s"},
	} {
		r := NewReader(AppendValue(nil, c.in))
		if got := r.Value(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v became %#v, want %#v", c.in, got, c.want)
		}
	}
}

// A broken length, count, code or nesting is an error, is found by Value and Skip alike, and costs no memory to find.
func TestMalformedValues(t *testing.T) {
	huge := binary.BigEndian.AppendUint32(nil, math.MaxUint32)
	large := binary.BigEndian.AppendUint32(nil, math.MaxInt32)
	cases := map[string][]byte{
		"nothing":                 {},
		"unknown code":            {0x01},
		"cut scalar":              {codeUlong, 1, 2},
		"cut string":              {codeString8, 5, 'a'},
		"string of 4 GB":          append([]byte{codeString32}, huge...),
		"string of 2 GB":          append([]byte{codeString32}, large...),
		"string not UTF-8":        {codeString8, 1, 0xff},
		"cut size":                {codeBinary32, 0, 0},
		"list of 2^32":            append([]byte{codeList32, 0, 0, 0, 4}, huge...),
		"list of 2^31":            append([]byte{codeList32, 0, 0, 0, 4}, large...),
		"list without count":      {codeList8, 0},
		"list with bytes left":    {codeList8, 3, 1, codeNull, codeNull},
		"list short of values":    {codeList8, 2, 2, codeNull},
		"map of an odd number":    {codeMap8, 2, 1, codeNull},
		"map of 2^31":             append([]byte{codeMap32, 0, 0, 0, 4}, large...),
		"array without code":      {codeArray8, 1, 1},
		"array of unknown":        {codeArray8, 2, 1, 0x02},
		"array of 2^31 nulls":     append(append([]byte{codeArray32, 0, 0, 0, 5}, large...), codeNull),
		"array of 2^31 longs":     append(append([]byte{codeArray32, 0, 0, 0, 5}, large...), codeLong),
		"array of cut strings":    {codeArray8, 4, 1, codeString8, 9},
		"described without value": {codeDescribed, codeUlong0},
		"nested too deep":         bytes.Repeat([]byte{codeDescribed, codeNull}, MaxDepth+1),
		"lists nested too deep":   nestedLists(MaxDepth + 1),
	}
	for name, b := range cases {
		r := NewReader(b)
		allocs := testing.AllocsPerRun(1, func() { r = NewReader(b); r.Value() })
		if !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("%s: Value gives %v", name, r.Err())
		}
		if allocs > 3*MaxDepth {
			t.Errorf("%s: %v allocations", name, allocs)
		}
		r = NewReader(b)
		if r.Skip(); !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("%s: Skip gives %v", name, r.Err())
		}
	}
	if r := NewReader(nestedLists(MaxDepth)); r.Value() == nil || r.Err() != nil {
		t.Errorf("%d lists: %v", MaxDepth, r.Err())
	}
}

func nestedLists(n int) []byte {
	v := List{}
	for range n - 1 {
		v = List{v}
	}
	return AppendValue(nil, v)
}

// Get finds a value by its name, be the key a string or a symbol.
func TestMapGet(t *testing.T) {
	m := Map{{"a", 1}, {Symbol("b"), 2}, {int64(3), 3}}
	if m.Get("a") != 1 || m.Get("b") != 2 || m.Get("c") != nil {
		t.Errorf("got %v, %v, %v", m.Get("a"), m.Get("b"), m.Get("c"))
	}
}
