package amqp

// Descriptor is the numeric descriptor of a described type that the standard defines.
type Descriptor uint64

// Descriptors of performatives, their parts, and the sections of a message.
const (
	DescError         Descriptor = 0x1d
	DescReceived      Descriptor = 0x23
	DescAccepted      Descriptor = 0x24
	DescRejected      Descriptor = 0x25
	DescReleased      Descriptor = 0x26
	DescModified      Descriptor = 0x27
	DescSource        Descriptor = 0x28
	DescTarget        Descriptor = 0x29
	DescCoordinator   Descriptor = 0x30
	DescDeclared      Descriptor = 0x33
	DescTransactional Descriptor = 0x34

	DescOpen        Descriptor = 0x10
	DescBegin       Descriptor = 0x11
	DescAttach      Descriptor = 0x12
	DescFlow        Descriptor = 0x13
	DescTransfer    Descriptor = 0x14
	DescDisposition Descriptor = 0x15
	DescDetach      Descriptor = 0x16
	DescEnd         Descriptor = 0x17
	DescClose       Descriptor = 0x18

	DescSASLMechanisms Descriptor = 0x40
	DescSASLInit       Descriptor = 0x41
	DescSASLChallenge  Descriptor = 0x42
	DescSASLResponse   Descriptor = 0x43
	DescSASLOutcome    Descriptor = 0x44

	DescHeader                Descriptor = 0x70
	DescDeliveryAnnotations   Descriptor = 0x71
	DescMessageAnnotations    Descriptor = 0x72
	DescProperties            Descriptor = 0x73
	DescApplicationProperties Descriptor = 0x74
	DescData                  Descriptor = 0x75
	DescSequence              Descriptor = 0x76
	DescValue                 Descriptor = 0x77
	DescFooter                Descriptor = 0x78
)

// named gives the descriptor for the symbolic form that the standard allows in its place.
func named(s string) (Descriptor, bool) {
	switch s {
	case "amqp:error:list":
		return DescError, true
	case "amqp:received:list":
		return DescReceived, true
	case "amqp:accepted:list":
		return DescAccepted, true
	case "amqp:rejected:list":
		return DescRejected, true
	case "amqp:released:list":
		return DescReleased, true
	case "amqp:modified:list":
		return DescModified, true
	case "amqp:source:list":
		return DescSource, true
	case "amqp:target:list":
		return DescTarget, true
	case "amqp:coordinator:list":
		return DescCoordinator, true
	case "amqp:transactional-state:list":
		return DescTransactional, true
	}
	if d, ok := namedSection(s); ok {
		return d, true
	}
	return namedPerformative(s)
}

func namedSection(s string) (Descriptor, bool) {
	switch s {
	case "amqp:header:list":
		return DescHeader, true
	case "amqp:delivery-annotations:map":
		return DescDeliveryAnnotations, true
	case "amqp:message-annotations:map":
		return DescMessageAnnotations, true
	case "amqp:properties:list":
		return DescProperties, true
	case "amqp:application-properties:map":
		return DescApplicationProperties, true
	case "amqp:data:binary":
		return DescData, true
	case "amqp:amqp-sequence:list":
		return DescSequence, true
	case "amqp:amqp-value:*":
		return DescValue, true
	case "amqp:footer:map":
		return DescFooter, true
	}
	return 0, false
}

func namedPerformative(s string) (Descriptor, bool) {
	switch s {
	case "amqp:open:list":
		return DescOpen, true
	case "amqp:begin:list":
		return DescBegin, true
	case "amqp:attach:list":
		return DescAttach, true
	case "amqp:flow:list":
		return DescFlow, true
	case "amqp:transfer:list":
		return DescTransfer, true
	case "amqp:disposition:list":
		return DescDisposition, true
	case "amqp:detach:list":
		return DescDetach, true
	case "amqp:end:list":
		return DescEnd, true
	case "amqp:close:list":
		return DescClose, true
	case "amqp:sasl-init:list":
		return DescSASLInit, true
	case "amqp:sasl-response:list":
		return DescSASLResponse, true
	}
	return 0, false
}

// Descriptor takes the constructor prefix of a described value.
func (r *Reader) Descriptor() Descriptor {
	if code := r.constructor(); code != codeDescribed {
		r.fail("format code 0x%02x where a described value is due", code)
		return 0
	}
	if len(r.b) > 0 && canonical(r.b[0]) == codeSymbol32 {
		name := r.variable(codeSymbol32)
		d, ok := named(string(name))
		if !ok {
			r.fail("unknown descriptor %.40q", name)
		}
		return d
	}
	return Descriptor(r.ulong())
}
