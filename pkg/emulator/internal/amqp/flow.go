package amqp

// Flow is the performative that tells the state of a session and, with a Handle, of a link (part 2, section 2.7.4).
type Flow struct {
	NextIncomingID Optional[uint32]
	IncomingWindow uint32
	NextOutgoingID uint32
	OutgoingWindow uint32
	Handle         Optional[uint32]
	DeliveryCount  Optional[uint32]
	LinkCredit     Optional[uint32]
	Available      Optional[uint32]
	Drain          bool
	Echo           bool
}

// Append appends the performative.
func (p *Flow) Append(b []byte) []byte {
	c := beginComposite(b, DescFlow)
	c.uint(p.NextIncomingID)
	c.uint(Some(p.IncomingWindow))
	c.uint(Some(p.NextOutgoingID))
	c.uint(Some(p.OutgoingWindow))
	c.uint(p.Handle)
	c.uint(p.DeliveryCount)
	c.uint(p.LinkCredit)
	c.uint(p.Available)
	c.bool(p.Drain)
	c.bool(p.Echo)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *Flow) Read(r *Reader) {
	f := r.openFields()
	p.NextIncomingID = f.uint()
	p.IncomingWindow = f.uint().Value
	p.NextOutgoingID = f.uint().Value
	p.OutgoingWindow = f.uint().Value
	p.Handle = f.uint()
	p.DeliveryCount = f.uint()
	p.LinkCredit = f.uint()
	p.Available = f.uint()
	p.Drain = f.bool()
	p.Echo = f.bool()
	f.close(r)
}
