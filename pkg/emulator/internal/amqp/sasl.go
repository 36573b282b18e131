package amqp

// SASLMechanisms is the frame body by which a server offers its mechanisms (part 5, section 5.3.3.1).
type SASLMechanisms struct {
	Mechanisms []Symbol
}

// Append appends the frame body.
func (p *SASLMechanisms) Append(b []byte) []byte {
	c := beginComposite(b, DescSASLMechanisms)
	c.symbols(p.Mechanisms)
	return c.end()
}

// Read takes what follows the descriptor.
func (p *SASLMechanisms) Read(r *Reader) {
	f := r.openFields()
	p.Mechanisms = f.symbols()
	f.close(r)
}

// SASLInit is the frame body by which a client chooses a mechanism (part 5, section 5.3.3.2).
type SASLInit struct {
	Mechanism       Symbol
	InitialResponse []byte
	Hostname        string
}

// Append appends the frame body.
func (p *SASLInit) Append(b []byte) []byte {
	c := beginComposite(b, DescSASLInit)
	c.symbol(p.Mechanism)
	c.binary(p.InitialResponse)
	c.string(Optional[string]{p.Hostname, p.Hostname != ""})
	return c.end()
}

// Read takes what follows the descriptor.
func (p *SASLInit) Read(r *Reader) {
	f := r.openFields()
	p.Mechanism = f.symbol()
	p.InitialResponse = f.binary()
	p.Hostname = f.string().Value
	f.close(r)
}

// Codes of a SASLOutcome (part 5, section 5.3.3.6).
const (
	SASLOK   uint8 = 0
	SASLAuth uint8 = 1 // authentication failed
)

// SASLOutcome is the frame body that ends the SASL exchange (part 5, section 5.3.3.5).
type SASLOutcome struct {
	Code uint8
}

// Append appends the frame body.
func (p *SASLOutcome) Append(b []byte) []byte {
	c := beginComposite(b, DescSASLOutcome)
	c.ubyte(Some(p.Code))
	return c.end()
}

// Read takes what follows the descriptor.
func (p *SASLOutcome) Read(r *Reader) {
	f := r.openFields()
	p.Code = f.ubyte().Value
	f.close(r)
}
