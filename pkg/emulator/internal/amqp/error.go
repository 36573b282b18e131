package amqp

// Error tells what went wrong with a connection, session, link or delivery (part 2, section 2.8.14).
type Error struct {
	Condition   Symbol
	Description string
	Info        Map
}

// Error gives condition and description.
func (e *Error) Error() string { return string(e.Condition) + ": " + e.Description }

// Conditions that the standard defines (part 2, sections 2.8.15 to 2.8.18).
const (
	CondInternalError         Symbol = "amqp:internal-error"
	CondNotFound              Symbol = "amqp:not-found"
	CondUnauthorizedAccess    Symbol = "amqp:unauthorized-access"
	CondDecodeError           Symbol = "amqp:decode-error"
	CondResourceLimitExceeded Symbol = "amqp:resource-limit-exceeded"
	CondNotAllowed            Symbol = "amqp:not-allowed"
	CondInvalidField          Symbol = "amqp:invalid-field"
	CondNotImplemented        Symbol = "amqp:not-implemented"
	CondPreconditionFailed    Symbol = "amqp:precondition-failed"
	CondResourceDeleted       Symbol = "amqp:resource-deleted"
	CondIllegalState          Symbol = "amqp:illegal-state"
	CondFrameSizeTooSmall     Symbol = "amqp:frame-size-too-small"

	CondConnectionForced Symbol = "amqp:connection:forced"
	CondFramingError     Symbol = "amqp:connection:framing-error"

	CondWindowViolation  Symbol = "amqp:session:window-violation"
	CondErrantLink       Symbol = "amqp:session:errant-link"
	CondHandleInUse      Symbol = "amqp:session:handle-in-use"
	CondUnattachedHandle Symbol = "amqp:session:unattached-handle"

	CondDetachForced          Symbol = "amqp:link:detach-forced"
	CondTransferLimitExceeded Symbol = "amqp:link:transfer-limit-exceeded"
	CondMessageSizeExceeded   Symbol = "amqp:link:message-size-exceeded"
)

func (c *composite) error(e *Error) {
	if !c.field(e != nil) {
		return
	}
	inner := beginComposite(c.b, DescError)
	inner.symbol(e.Condition)
	inner.string(Optional[string]{e.Description, e.Description != ""})
	if inner.field(e.Info != nil) {
		inner.b = AppendValue(inner.b, e.Info)
	}
	c.b = inner.end()
}

func (f *fields) error() *Error {
	if !f.next() {
		return nil
	}
	if d := f.r.Descriptor(); d != DescError {
		f.r.fail("descriptor 0x%x where an error is due", uint64(d))
	}
	g := f.r.openFields()
	e := &Error{Condition: g.symbol(), Description: g.string().Value, Info: g.mapValue()}
	g.close(&f.r)
	return e
}
