package wire

import (
	"errors"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// mechanisms are the SASL mechanisms on offer. Any credentials are accepted, as by Microsoft's emulator.
var mechanisms = []amqp.Symbol{"MSSBCBS", "PLAIN", "ANONYMOUS"}

// errRefused ends a connection whose peer speaks another protocol or could not authenticate, and has been told so in the
// way of that stage of the handshake.
var errRefused = errors.New("refused during the handshake")

// handshake takes the connection through protocol headers, SASL if the peer wants it, and open.
func (c *conn) handshake() error {
	if c.isBlackHole() {
		return errBlackHole
	}
	c.readLimitSet = time.Now().Add(c.server.opts.HandshakeTimeout)
	if err := c.net.SetReadDeadline(c.readLimitSet); err != nil {
		return err
	}
	header, err := c.frames.ProtocolHeader()
	if err == nil && header == amqp.HeaderSASL {
		if err = c.authenticate(); err == nil {
			header, err = c.frames.ProtocolHeader()
		}
	}
	if err != nil {
		return err
	}
	c.write(amqp.HeaderAMQP[:])
	if header != amqp.HeaderAMQP {
		return errRefused
	}
	if err := c.open(); err != nil {
		return err
	}
	c.readLimitSet = time.Time{}
	return nil
}

func (c *conn) isBlackHole() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.swallows
}

// write sends bytes that are no AMQP frame.
func (c *conn) write(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.buf = append(c.out.buf, b...)
	c.flush()
}

// saslFrame gives a SASL frame.
func saslFrame(body appender) []byte {
	b, start := amqp.AppendFrameHeader(nil, amqp.FrameSASL, 0)
	return amqp.FinishFrame(body.Append(b), start)
}

// authenticate is the SASL layer (part 5, section 5.3).
func (c *conn) authenticate() error {
	c.write(append(amqp.HeaderSASL[:], saslFrame(&amqp.SASLMechanisms{Mechanisms: mechanisms})...))
	frame, err := c.frames.Next()
	if err != nil {
		return err
	}
	r := amqp.NewReader(frame.Body)
	if d := r.Descriptor(); frame.Type != amqp.FrameSASL || d != amqp.DescSASLInit {
		return errRefused
	}
	var init amqp.SASLInit
	if init.Read(&r); r.Err() != nil {
		return errRefused
	}
	if !slices.Contains(mechanisms, init.Mechanism) {
		c.write(saslFrame(&amqp.SASLOutcome{Code: amqp.SASLAuth}))
		return errRefused
	}
	c.write(saslFrame(&amqp.SASLOutcome{Code: amqp.SASLOK}))
	return nil
}

// open takes the peer's open and answers with ours, even when the peer's is refused (part 2, section 2.4.3).
func (c *conn) open() error {
	frame, err := c.frames.Next()
	if err != nil {
		return err
	}
	r := amqp.NewReader(frame.Body)
	var p amqp.Open
	refusal := c.readOpen(frame, &r, &p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.swallows {
		return errBlackHole
	}
	c.opened = true
	c.send(0, &amqp.Open{
		ContainerID:  "asyncreply-emulator",
		MaxFrameSize: amqp.Some(c.server.opts.MaxFrameSize),
		ChannelMax:   amqp.Some(uint16(maxChannel)),
		IdleTimeout:  amqp.Some(uint32(c.server.opts.IdleTimeout.Milliseconds())),
		Properties:   amqp.AppendValue(nil, amqp.Map{{Key: amqp.Symbol("product"), Value: "asyncreply emulator"}}),
	})
	c.flush()
	if refusal == nil && p.IdleTimeout.Value > 0 {
		c.startHeartbeat(time.Duration(p.IdleTimeout.Value) * time.Millisecond)
	}
	return refusal
}

// readOpen decodes the peer's open and takes its limits over.
func (c *conn) readOpen(frame amqp.Frame, r *amqp.Reader, p *amqp.Open) error {
	if d := r.Descriptor(); frame.Type != amqp.FrameAMQP || d != amqp.DescOpen {
		return failure(amqp.CondNotAllowed, "performative 0x%x where an open is due", uint64(d))
	}
	if p.Read(r); r.Err() != nil {
		return r.Err()
	}
	size := p.MaxFrameSize.Or(c.server.opts.MaxFrameSize)
	if size < amqp.MinMaxFrameSize {
		return failure(amqp.CondInvalidField, "max-frame-size %d is below %d", size, amqp.MinMaxFrameSize)
	}
	c.peerFrameSize = int(min(size, c.server.opts.MaxFrameSize))
	return nil
}
