package amqp

// Role tells which end of a link a peer is.
type Role bool

// The two ends of a link.
const (
	RoleSender   Role = false
	RoleReceiver Role = true
)

// Settle modes of a sender (part 2, section 2.8.2) and of a receiver (section 2.8.3).
const (
	SenderUnsettled uint8 = 0
	SenderSettled   uint8 = 1
	SenderMixed     uint8 = 2

	ReceiverFirst  uint8 = 0 // settles at once
	ReceiverSecond uint8 = 1 // settles after the sender has
)

// Attach is the performative that attaches a link (part 2, section 2.7.3). Unsettled deliveries and capabilities are read
// over: links are never resumed here.
type Attach struct {
	Name                 string
	Handle               uint32
	Role                 Role
	SenderSettleMode     Optional[uint8] // absent means mixed
	ReceiverSettleMode   Optional[uint8] // absent means first
	Source               *Source
	Target               *Target
	InitialDeliveryCount Optional[uint32] // set by a sender
	MaxMessageSize       Optional[uint64] // bytes; absent or 0 means no limit
	Properties           []byte           // raw map
}

// Append appends the performative.
func (p *Attach) Append(b []byte) []byte {
	c := beginComposite(b, DescAttach)
	c.string(Some(p.Name))
	c.uint(Some(p.Handle))
	c.field(true)
	c.b = AppendBool(c.b, bool(p.Role))
	c.ubyte(p.SenderSettleMode)
	c.ubyte(p.ReceiverSettleMode)
	if c.field(p.Source != nil) {
		c.b = p.Source.append(c.b)
	}
	if c.field(p.Target != nil) {
		c.b = p.Target.append(c.b)
	}
	c.skip()
	c.skip()
	c.uint(p.InitialDeliveryCount)
	c.ulong(p.MaxMessageSize)
	c.skip()
	c.skip()
	c.raw(p.Properties)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *Attach) Read(r *Reader) {
	f := r.openFields()
	p.Name = f.string().Value
	p.Handle = f.uint().Value
	p.Role = Role(f.bool())
	p.SenderSettleMode = f.ubyte()
	p.ReceiverSettleMode = f.ubyte()
	p.Source = f.source()
	p.Target = f.target()
	f.skip()
	f.skip()
	p.InitialDeliveryCount = f.uint()
	p.MaxMessageSize = f.ulong()
	f.skip()
	f.skip()
	p.Properties = f.raw()
	f.close(r)
}

// Detach is the performative that detaches or closes a link (part 2, section 2.7.7).
type Detach struct {
	Handle uint32
	Closed bool
	Error  *Error
}

// Append appends the performative.
func (p *Detach) Append(b []byte) []byte {
	c := beginComposite(b, DescDetach)
	c.uint(Some(p.Handle))
	c.bool(p.Closed)
	c.error(p.Error)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *Detach) Read(r *Reader) {
	f := r.openFields()
	p.Handle = f.uint().Value
	p.Closed = f.bool()
	p.Error = f.error()
	f.close(r)
}
