package amqp

// State is a delivery state or outcome (part 3, section 3.4). Its Kind is its descriptor; 0 means none.
type State struct {
	Kind Descriptor

	Error *Error // of a rejected delivery, may be nil

	DeliveryFailed     bool // of a modified delivery
	UndeliverableHere  bool // of a modified delivery
	MessageAnnotations Map  // of a modified delivery
}

// The outcomes without fields.
var (
	Accepted = State{Kind: DescAccepted}
	Released = State{Kind: DescReleased}
)

// Rejected gives the outcome of a delivery that was refused because of err.
func Rejected(err *Error) State { return State{Kind: DescRejected, Error: err} }

func (c *composite) state(s *State) {
	if !c.field(s.Kind != 0) {
		return
	}
	inner := beginComposite(c.b, s.Kind)
	switch s.Kind {
	case DescRejected:
		inner.error(s.Error)
	case DescModified:
		inner.bool(s.DeliveryFailed)
		inner.bool(s.UndeliverableHere)
		if inner.field(s.MessageAnnotations != nil) {
			inner.b = AppendValue(inner.b, s.MessageAnnotations)
		}
	}
	c.b = inner.end()
}

// state takes a delivery state. States that have more fields than are listed here keep only their kind.
func (f *fields) state(s *State) {
	if !f.next() {
		return
	}
	s.Kind = f.r.Descriptor()
	g := f.r.openFields()
	switch s.Kind {
	case DescRejected:
		s.Error = g.error()
	case DescModified:
		s.DeliveryFailed = g.bool()
		s.UndeliverableHere = g.bool()
		s.MessageAnnotations = g.mapValue()
	}
	g.close(&f.r)
}

func (f *fields) mapValue() Map {
	if !f.next() {
		return nil
	}
	m, ok := f.r.Value().(Map)
	if !ok {
		f.r.fail("a field that is no map")
	}
	return m
}
