package amqp

// Message is an encoded message cut into its sections (part 3, section 3.2). All slices point into the input.
type Message struct {
	Header Header

	// The raw value of each section, without the section's descriptor; nil when the section is missing.
	DeliveryAnnotations   []byte
	MessageAnnotations    []byte
	Properties            []byte
	ApplicationProperties []byte

	Body   []byte // all body sections with their descriptors
	Footer []byte // the footer with its descriptor
}

// ReadMessage cuts b, which must hold one whole message and nothing else, into its sections. All of b is checked, so that a
// message that is passed on cannot harm its receiver's decoder.
func ReadMessage(b []byte) (Message, error) {
	var m Message
	r := NewReader(b)
	var last Descriptor
	for r.Len() > 0 {
		before := r.b
		d := r.Descriptor()
		if !follows(last, d) && r.err == nil {
			r.fail("section 0x%x after section 0x%x", uint64(d), uint64(last))
		}
		last = d
		m.section(&r, d, before)
	}
	return m, r.err
}

// follows gives whether a section d may come after the section last, 0 being the start.
func follows(last, d Descriptor) bool {
	switch {
	case d < DescHeader || d > DescFooter:
		return false
	case last == d:
		return d == DescData || d == DescSequence
	case last >= DescData && last <= DescValue:
		return d == DescFooter
	}
	return d > last
}

// section takes the value of section d, which starts at before with its descriptor.
func (m *Message) section(r *Reader, d Descriptor, before []byte) {
	switch d {
	case DescHeader:
		m.Header.read(r)
	case DescDeliveryAnnotations:
		m.DeliveryAnnotations = r.rawMap(annotationKey)
	case DescMessageAnnotations:
		m.MessageAnnotations = r.rawMap(annotationKey)
	case DescProperties:
		m.Properties = r.rawOf(codeList32)
	case DescApplicationProperties:
		m.ApplicationProperties = r.rawMap(propertyKey)
	case DescData:
		r.rawOf(codeBinary32)
		m.Body = extend(m.Body, before, r)
	case DescSequence:
		r.rawOf(codeList32)
		m.Body = extend(m.Body, before, r)
	case DescValue:
		r.Skip()
		m.Body = extend(m.Body, before, r)
	case DescFooter:
		r.rawMap(annotationKey)
		m.Footer = extend(nil, before, r)
	}
}

// rawOf is Raw for a value that must be of one compound or variable type, given by its long code.
func (r *Reader) rawOf(code32 byte) []byte {
	if len(r.b) > 0 && canonical(r.b[0]) != code32 {
		r.fail("format code 0x%02x where 0x%02x is due", r.b[0], code32)
		return nil
	}
	return r.Raw()
}

// rawMap is Raw for a map whose keys all have a code that valid accepts.
func (r *Reader) rawMap(valid func(code byte) bool) []byte {
	before := r.b
	if len(before) == 0 || canonical(before[0]) != codeMap32 {
		return r.rawOf(codeMap32)
	}
	items, n := r.OpenMap()
	for i := 0; i < n && items.err == nil; i++ {
		if len(items.b) > 0 && !valid(items.b[0]) {
			items.fail("a key with format code 0x%02x", items.b[0])
		}
		items.Skip()
		items.Skip()
	}
	items.finish()
	r.adopt(&items)
	if r.err != nil {
		return nil
	}
	n = len(before) - len(r.b)
	return before[:n:n]
}

// annotationKey gives whether a key with this code may be in annotations: symbols, strings, which some clients send, and
// the reserved numbers.
func annotationKey(code byte) bool {
	switch canonical(code) {
	case codeSymbol32, codeString32, codeUlong:
		return true
	}
	return false
}

// propertyKey gives whether a key with this code may be in application properties.
func propertyKey(code byte) bool { return canonical(code) == codeString32 }

// extend gives body, a slice that ends where before starts, lengthened by what r has taken of before.
func extend(body, before []byte, r *Reader) []byte {
	if r.err != nil {
		return nil
	}
	n := len(before) - len(r.b)
	if body == nil {
		return before[:n]
	}
	return body[:len(body)+n]
}

// NextData takes the next data section of a message's Body and gives its bytes, which point into the input.
func (r *Reader) NextData() []byte {
	if d := r.Descriptor(); d != DescData {
		r.fail("section 0x%x where data is due", uint64(d))
	}
	return r.variable(codeBinary32)
}

// BodyValue gives the value of a message's Body that is a value section, or nil.
func (m *Message) BodyValue() (any, error) {
	r := NewReader(m.Body)
	if d := r.Descriptor(); d != DescValue {
		return nil, r.err
	}
	v := r.Value()
	return v, r.err
}

// AppendSection appends a section, given its encoded value.
func AppendSection(b []byte, d Descriptor, value []byte) []byte {
	return append(appendDescriptor(b, d), value...)
}

// AppendDescriptor appends the constructor prefix of a section whose value the caller appends next.
func AppendDescriptor(b []byte, d Descriptor) []byte { return appendDescriptor(b, d) }
