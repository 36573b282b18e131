package amqp

import "unicode/utf8"

// Raw takes the next value and gives its encoded bytes, which are checked as strictly as if they had been decoded.
func (r *Reader) Raw() []byte {
	before := r.b
	r.Skip()
	if r.err != nil {
		return nil
	}
	n := len(before) - len(r.b)
	return before[:n:n]
}

// Skip takes the next value and checks it all the way down, without allocating.
func (r *Reader) Skip() {
	code := r.constructor()
	if code != codeDescribed {
		r.skipContent(code)
		return
	}
	if r.enter() {
		r.Skip()
		r.Skip()
		r.leave()
	}
}

func (r *Reader) skipContent(code byte) {
	kind, width := layout(code)
	switch kind {
	case layoutFixed:
		r.take(width)
	case layoutUnknown:
		r.fail("unknown format code 0x%02x", code)
	default:
		r.skipSized(code)
	}
}

func (r *Reader) skipSized(code byte) {
	body := r.sized(code)
	if r.err != nil {
		return
	}
	switch canonical(code) {
	case codeBinary32, codeSymbol32:
		return
	case codeString32:
		if !utf8.Valid(body) {
			r.fail("a string is not UTF-8")
		}
		return
	}
	if !r.enter() {
		return
	}
	inner := Reader{b: body, depth: r.depth}
	inner.skipItems(code)
	inner.finish()
	r.leave()
	r.adopt(&inner)
}

// skipItems takes the count and the items of a list, map or array with this code.
func (r *Reader) skipItems(code byte) {
	n := r.count(code)
	if canonical(code) == codeArray32 {
		r.skipElements(n)
		return
	}
	if n > len(r.b) || canonical(code) == codeMap32 && n%2 != 0 {
		r.fail("%d values in %d bytes", n, len(r.b))
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.Skip()
	}
}

func (r *Reader) skipElements(n int) {
	element := r.constructor()
	if element == codeDescribed {
		r.Skip()
		element = r.constructor()
	}
	r.checkElements(element, n)
	for i := 0; i < n && r.err == nil; i++ {
		r.skipContent(element)
	}
}

// RawText gives the characters of a raw string or symbol, and nil for a value of any other type.
func RawText(raw []byte) []byte {
	r := NewReader(raw)
	switch code := r.constructor(); canonical(code) {
	case codeString32, codeSymbol32:
		return r.sized(code)
	}
	return nil
}
