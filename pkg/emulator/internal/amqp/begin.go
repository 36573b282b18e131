package amqp

// Begin is the performative that begins a session (part 2, section 2.7.2). Capabilities are read over.
type Begin struct {
	RemoteChannel  Optional[uint16] // set in the answer to a Begin
	NextOutgoingID uint32
	IncomingWindow uint32           // transfer frames
	OutgoingWindow uint32           // transfer frames
	HandleMax      Optional[uint32] // absent means 4294967295
	Properties     []byte           // raw map
}

// Append appends the performative.
func (p *Begin) Append(b []byte) []byte {
	c := beginComposite(b, DescBegin)
	c.ushort(p.RemoteChannel)
	c.uint(Some(p.NextOutgoingID))
	c.uint(Some(p.IncomingWindow))
	c.uint(Some(p.OutgoingWindow))
	c.uint(p.HandleMax)
	c.skip()
	c.skip()
	c.raw(p.Properties)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *Begin) Read(r *Reader) {
	f := r.openFields()
	p.RemoteChannel = f.ushort()
	p.NextOutgoingID = f.uint().Value
	p.IncomingWindow = f.uint().Value
	p.OutgoingWindow = f.uint().Value
	p.HandleMax = f.uint()
	f.skip()
	f.skip()
	p.Properties = f.raw()
	f.close(r)
}

// End is the performative that ends a session (part 2, section 2.7.8).
type End struct {
	Error *Error
}

// Append appends the performative.
func (p *End) Append(b []byte) []byte {
	c := beginComposite(b, DescEnd)
	c.error(p.Error)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *End) Read(r *Reader) {
	f := r.openFields()
	p.Error = f.error()
	f.close(r)
}
