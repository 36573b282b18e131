package amqp

// Header is the header section of a message (part 3, section 3.2.1).
type Header struct {
	Durable       bool
	Priority      Optional[uint8]  // absent means 4
	TTL           Optional[uint32] // milliseconds
	FirstAcquirer bool
	DeliveryCount uint32 // earlier deliveries that failed
}

// Append appends the section.
func (h *Header) Append(b []byte) []byte {
	c := beginComposite(b, DescHeader)
	c.bool(h.Durable)
	c.ubyte(h.Priority)
	c.uint(h.TTL)
	c.bool(h.FirstAcquirer)
	c.uint(Optional[uint32]{h.DeliveryCount, true})
	return c.end()
}

func (h *Header) read(r *Reader) {
	f := r.openFields()
	h.Durable = f.bool()
	h.Priority = f.ubyte()
	h.TTL = f.uint()
	h.FirstAcquirer = f.bool()
	h.DeliveryCount = f.uint().Value
	f.close(r)
}
