package amqp

// Transfer is the performative that carries a message, or a part of one, as the payload behind it (part 2, section 2.7.5).
type Transfer struct {
	Handle        uint32
	DeliveryID    Optional[uint32]
	DeliveryTag   []byte // raw bytes of the input
	MessageFormat Optional[uint32]
	Settled       bool
	More          bool
	State         State
	Resume        bool
	Aborted       bool
	Batchable     bool
}

// Append appends the performative. ReceiverSettleMode, which only a link that mixes modes needs, is left out.
func (p *Transfer) Append(b []byte) []byte {
	c := beginComposite(b, DescTransfer)
	c.uint(Some(p.Handle))
	c.uint(p.DeliveryID)
	c.binary(p.DeliveryTag)
	c.uint(p.MessageFormat)
	c.bool(p.Settled)
	c.bool(p.More)
	c.skip()
	c.state(&p.State)
	c.bool(p.Resume)
	c.bool(p.Aborted)
	c.bool(p.Batchable)
	return c.end()
}

// Read takes what follows the descriptor. What is left in r after it is the payload.
func (p *Transfer) Read(r *Reader) {
	f := r.openFields()
	p.Handle = f.uint().Value
	p.DeliveryID = f.uint()
	p.DeliveryTag = f.binary()
	p.MessageFormat = f.uint()
	p.Settled = f.bool()
	p.More = f.bool()
	f.skip()
	f.state(&p.State)
	p.Resume = f.bool()
	p.Aborted = f.bool()
	p.Batchable = f.bool()
	f.close(r)
}

// Disposition is the performative that tells the state of deliveries (part 2, section 2.7.6).
type Disposition struct {
	Role      Role // of the one who tells
	First     uint32
	Last      Optional[uint32] // absent means First
	Settled   bool
	State     State
	Batchable bool
}

// Append appends the performative.
func (p *Disposition) Append(b []byte) []byte {
	c := beginComposite(b, DescDisposition)
	c.field(true)
	c.b = AppendBool(c.b, bool(p.Role))
	c.uint(Some(p.First))
	c.uint(p.Last)
	c.bool(p.Settled)
	c.state(&p.State)
	c.bool(p.Batchable)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *Disposition) Read(r *Reader) {
	f := r.openFields()
	p.Role = Role(f.bool())
	p.First = f.uint().Value
	p.Last = f.uint()
	p.Settled = f.bool()
	f.state(&p.State)
	p.Batchable = f.bool()
	f.close(r)
}
