package amqp

// Format codes of the primitive types (part 1, section 1.6).
const (
	codeDescribed  = 0x00
	codeNull       = 0x40
	codeTrue       = 0x41
	codeFalse      = 0x42
	codeUint0      = 0x43
	codeUlong0     = 0x44
	codeList0      = 0x45
	codeUbyte      = 0x50
	codeByte       = 0x51
	codeSmallUint  = 0x52
	codeSmallUlong = 0x53
	codeSmallInt   = 0x54
	codeSmallLong  = 0x55
	codeBool       = 0x56
	codeUshort     = 0x60
	codeShort      = 0x61
	codeUint       = 0x70
	codeInt        = 0x71
	codeFloat      = 0x72
	codeChar       = 0x73
	codeDecimal32  = 0x74
	codeUlong      = 0x80
	codeLong       = 0x81
	codeDouble     = 0x82
	codeTimestamp  = 0x83
	codeDecimal64  = 0x84
	codeDecimal128 = 0x94
	codeUUID       = 0x98
	codeBinary8    = 0xa0
	codeString8    = 0xa1
	codeSymbol8    = 0xa3
	codeBinary32   = 0xb0
	codeString32   = 0xb1
	codeSymbol32   = 0xb3
	codeList8      = 0xc0
	codeMap8       = 0xc1
	codeList32     = 0xd0
	codeMap32      = 0xd1
	codeArray8     = 0xe0
	codeArray32    = 0xf0
)

// Kinds of layout that follow a format code.
const (
	layoutUnknown = iota
	layoutFixed   // width bytes
	layoutVar8    // a size of one byte, then that many bytes
	layoutVar32   // a size of four bytes, then that many bytes
)

// format says how a value with some format code is laid out. The compound and array layouts are like the variable ones:
// their element count is part of the sized bytes.
type format struct {
	kind      uint8
	width     uint8 // if fixed
	canonical byte  // the code of the same type that can hold every value of it
}

// formats says it for every format code.
var formats = [256]format{
	codeNull:       {layoutFixed, 0, codeNull},
	codeTrue:       {layoutFixed, 0, codeBool},
	codeFalse:      {layoutFixed, 0, codeBool},
	codeBool:       {layoutFixed, 1, codeBool},
	codeUbyte:      {layoutFixed, 1, codeUbyte},
	codeByte:       {layoutFixed, 1, codeByte},
	codeUshort:     {layoutFixed, 2, codeUshort},
	codeShort:      {layoutFixed, 2, codeShort},
	codeUint0:      {layoutFixed, 0, codeUint},
	codeSmallUint:  {layoutFixed, 1, codeUint},
	codeUint:       {layoutFixed, 4, codeUint},
	codeSmallInt:   {layoutFixed, 1, codeInt},
	codeInt:        {layoutFixed, 4, codeInt},
	codeUlong0:     {layoutFixed, 0, codeUlong},
	codeSmallUlong: {layoutFixed, 1, codeUlong},
	codeUlong:      {layoutFixed, 8, codeUlong},
	codeSmallLong:  {layoutFixed, 1, codeLong},
	codeLong:       {layoutFixed, 8, codeLong},
	codeFloat:      {layoutFixed, 4, codeFloat},
	codeDouble:     {layoutFixed, 8, codeDouble},
	codeChar:       {layoutFixed, 4, codeChar},
	codeTimestamp:  {layoutFixed, 8, codeTimestamp},
	codeDecimal32:  {layoutFixed, 4, codeDecimal32},
	codeDecimal64:  {layoutFixed, 8, codeDecimal64},
	codeDecimal128: {layoutFixed, 16, codeDecimal128},
	codeUUID:       {layoutFixed, 16, codeUUID},
	codeBinary8:    {layoutVar8, 0, codeBinary32},
	codeBinary32:   {layoutVar32, 0, codeBinary32},
	codeString8:    {layoutVar8, 0, codeString32},
	codeString32:   {layoutVar32, 0, codeString32},
	codeSymbol8:    {layoutVar8, 0, codeSymbol32},
	codeSymbol32:   {layoutVar32, 0, codeSymbol32},
	codeList0:      {layoutFixed, 0, codeList32},
	codeList8:      {layoutVar8, 0, codeList32},
	codeList32:     {layoutVar32, 0, codeList32},
	codeMap8:       {layoutVar8, 0, codeMap32},
	codeMap32:      {layoutVar32, 0, codeMap32},
	codeArray8:     {layoutVar8, 0, codeArray32},
	codeArray32:    {layoutVar32, 0, codeArray32},
}

// layout gives how a value with this format code is laid out, and its width if that is fixed.
func layout(code byte) (kind, width int) {
	f := &formats[code]
	return int(f.kind), int(f.width)
}

// canonical gives the format code of the same type that can hold every value of it, or 0 if the code is unknown.
func canonical(code byte) byte { return formats[code].canonical }
