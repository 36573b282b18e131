package amqp

// Source is where a link's messages come from (part 3, section 3.5.3).
type Source struct {
	Address               Optional[string]
	Durable               Optional[uint32]
	ExpiryPolicy          Symbol
	Timeout               Optional[uint32] // seconds
	Dynamic               bool
	DynamicNodeProperties []byte // raw map
	DistributionMode      Symbol
	Filter                []byte // raw map
	DefaultOutcome        []byte // raw described list
	Outcomes              []Symbol
	Capabilities          []Symbol
}

func (s *Source) append(b []byte) []byte {
	c := beginComposite(b, DescSource)
	c.string(s.Address)
	c.uint(s.Durable)
	c.symbol(s.ExpiryPolicy)
	c.uint(s.Timeout)
	c.bool(s.Dynamic)
	c.raw(s.DynamicNodeProperties)
	c.symbol(s.DistributionMode)
	c.raw(s.Filter)
	c.raw(s.DefaultOutcome)
	c.symbols(s.Outcomes)
	c.symbols(s.Capabilities)
	return c.end()
}

func (f *fields) source() *Source {
	if !f.next() {
		return nil
	}
	s := new(Source)
	if d := f.r.Descriptor(); d != DescSource {
		f.r.fail("descriptor 0x%x where a source is due", uint64(d))
	}
	g := f.r.openFields()
	s.Address = g.string()
	s.Durable = g.uint()
	s.ExpiryPolicy = g.symbol()
	s.Timeout = g.uint()
	s.Dynamic = g.bool()
	s.DynamicNodeProperties = g.raw()
	s.DistributionMode = g.symbol()
	s.Filter = g.raw()
	s.DefaultOutcome = g.raw()
	s.Outcomes = g.symbols()
	s.Capabilities = g.symbols()
	g.close(&f.r)
	return s
}

// Target is where a link's messages go (part 3, section 3.5.4), or a transaction coordinator (part 4, section 4.5.1), which
// has no address.
type Target struct {
	Coordinator           bool
	Address               Optional[string]
	Durable               Optional[uint32]
	ExpiryPolicy          Symbol
	Timeout               Optional[uint32] // seconds
	Dynamic               bool
	DynamicNodeProperties []byte // raw map
	Capabilities          []Symbol
}

func (t *Target) append(b []byte) []byte {
	if t.Coordinator {
		c := beginComposite(b, DescCoordinator)
		c.symbols(t.Capabilities)
		return c.end()
	}
	c := beginComposite(b, DescTarget)
	c.string(t.Address)
	c.uint(t.Durable)
	c.symbol(t.ExpiryPolicy)
	c.uint(t.Timeout)
	c.bool(t.Dynamic)
	c.raw(t.DynamicNodeProperties)
	c.symbols(t.Capabilities)
	return c.end()
}

func (f *fields) target() *Target {
	if !f.next() {
		return nil
	}
	t := new(Target)
	d := f.r.Descriptor()
	g := f.r.openFields()
	switch d {
	case DescTarget:
		t.Address = g.string()
		t.Durable = g.uint()
		t.ExpiryPolicy = g.symbol()
		t.Timeout = g.uint()
		t.Dynamic = g.bool()
		t.DynamicNodeProperties = g.raw()
	case DescCoordinator:
		t.Coordinator = true
	default:
		f.r.fail("descriptor 0x%x where a target is due", uint64(d))
	}
	t.Capabilities = g.symbols()
	g.close(&f.r)
	return t
}
