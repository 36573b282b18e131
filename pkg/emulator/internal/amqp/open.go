package amqp

// Open is the performative that opens a connection (part 2, section 2.7.1). Locales are read over.
type Open struct {
	ContainerID         string
	Hostname            string
	MaxFrameSize        Optional[uint32] // bytes; absent means no limit
	ChannelMax          Optional[uint16] // absent means 65535
	IdleTimeout         Optional[uint32] // milliseconds; absent or 0 means none
	OfferedCapabilities []Symbol
	DesiredCapabilities []Symbol
	Properties          []byte // raw map
}

// Append appends the performative.
func (o *Open) Append(b []byte) []byte {
	c := beginComposite(b, DescOpen)
	c.string(Some(o.ContainerID))
	c.string(Optional[string]{o.Hostname, o.Hostname != ""})
	c.uint(o.MaxFrameSize)
	c.ushort(o.ChannelMax)
	c.uint(o.IdleTimeout)
	c.skip()
	c.skip()
	c.symbols(o.OfferedCapabilities)
	c.symbols(o.DesiredCapabilities)
	c.raw(o.Properties)
	return c.end()
}

// Read takes what follows the descriptor.
func (o *Open) Read(r *Reader) {
	f := r.openFields()
	o.ContainerID = f.string().Value
	o.Hostname = f.string().Value
	o.MaxFrameSize = f.uint()
	o.ChannelMax = f.ushort()
	o.IdleTimeout = f.uint()
	f.skip()
	f.skip()
	o.OfferedCapabilities = f.symbols()
	o.DesiredCapabilities = f.symbols()
	o.Properties = f.raw()
	f.close(r)
}

// Close is the performative that closes a connection (part 2, section 2.7.9).
type Close struct {
	Error *Error
}

// Append appends the performative.
func (p *Close) Append(b []byte) []byte {
	c := beginComposite(b, DescClose)
	c.error(p.Error)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *Close) Read(r *Reader) {
	f := r.openFields()
	p.Error = f.error()
	f.close(r)
}
