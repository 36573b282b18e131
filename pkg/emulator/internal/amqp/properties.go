package amqp

import "time"

// Properties is the properties section of a message (part 3, section 3.2.4), cut into its fields.
type Properties struct {
	MessageID          any // uint64, UUID, []byte or string; nil when missing
	ReplyTo            Optional[string]
	AbsoluteExpiryTime Optional[time.Time]
	CreationTime       Optional[time.Time]

	afterID []byte // the raw fields behind message-id
	count   int    // of the fields in afterID
}

// ReadProperties decodes the raw value of a properties section. What is not listed in [Properties] is checked and kept raw.
func ReadProperties(raw []byte) (Properties, error) {
	var p Properties
	if raw == nil {
		return p, nil
	}
	r := NewReader(raw)
	f := r.openFields()
	p.MessageID = f.messageID()
	p.afterID, p.count = f.r.b, f.n
	f.expect(codeBinary32) // user-id
	f.expect(codeString32) // to
	f.expect(codeString32) // subject
	p.ReplyTo = f.string()
	f.expectID()           // correlation-id
	f.expect(codeSymbol32) // content-type
	f.expect(codeSymbol32) // content-encoding
	p.AbsoluteExpiryTime = f.timestamp()
	p.CreationTime = f.timestamp()
	f.expect(codeString32) // group-id
	f.uint()               // group-sequence
	f.expect(codeString32) // reply-to-group-id
	f.close(&r)
	r.finish()
	return p, r.err
}

// expect takes a field that must be of one variable type, given by its long code, and checks it.
func (f *fields) expect(code32 byte) {
	if f.next() {
		f.r.rawOf(code32)
	}
}

// expectID takes a field of one of the types of message identifiers and checks it, without decoding it.
func (f *fields) expectID() {
	if !f.next() {
		return
	}
	if len(f.r.b) > 0 && !identifierCode(f.r.b[0]) {
		f.r.fail("a message identifier with format code 0x%02x", f.r.b[0])
		return
	}
	f.r.Skip()
}

// identifierCode gives whether a message identifier may have this code.
func identifierCode(code byte) bool {
	switch canonical(code) {
	case codeUlong, codeUUID, codeBinary32, codeString32:
		return true
	}
	return false
}

// messageID takes a field of one of the types of message identifiers.
func (f *fields) messageID() any {
	switch v := f.value().(type) {
	case nil, uint64, UUID, []byte, string:
		return v
	default:
		f.r.fail("a message identifier of type %T", v)
		return nil
	}
}

// AppendWithID appends the section with another message-id and all else as it was.
func (p *Properties) AppendWithID(b []byte, id string) []byte {
	c := beginComposite(b, DescProperties)
	c.string(Some(id))
	c.b = append(c.b, p.afterID...)
	c.count += p.count
	return c.end()
}

// AppendReply appends the properties section of an answer to a message with the identifier id.
func AppendReply(b []byte, to Optional[string], id any) []byte {
	c := beginComposite(b, DescProperties)
	c.skip() // message-id
	c.skip() // user-id
	c.string(to)
	c.skip() // subject
	c.skip() // reply-to
	c.value(id)
	return c.end()
}
