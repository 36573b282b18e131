package wire

import (
	"encoding/binary"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// request is a message to $cbs or $management.
type request struct {
	id         any // the message-id, by which the answer is correlated
	replyTo    amqp.Optional[string]
	properties amqp.Map
	body       any
}

// text gives an application property that is a string, or "".
func (r *request) text(name string) string {
	v, _ := r.properties.Get(name).(string)
	return v
}

// reply is the answer to a request.
type reply struct {
	status      int32
	description string
	condition   amqp.Symbol // of a failure
	body        []byte      // the encoded value; nil for null
}

// refusal gives the answer that tells a failure.
func refusal(err *amqp.Error) reply {
	return reply{status: statusCode(err.Condition), description: err.Description, condition: err.Condition}
}

// request answers a message to the link's node. An error means that the request itself is refused.
func (l *incomingLink) request(payload []byte) *amqp.Error {
	req, err := parseRequest(payload)
	if err != nil {
		return amqpError(err)
	}
	s := l.session
	to := s.conn.replyLink(s, l.node, req.replyTo.Value)
	if to == nil {
		return failure(amqp.CondPreconditionFailed, "no link receives answers for '%.300s'", req.replyTo.Value)
	}
	var answer reply
	if l.node.kind == nodeCBS {
		answer = s.conn.server.putToken(&req)
	} else {
		answer = manage(l.node.queue, &req)
	}
	to.enqueueReply(encodeReply(&req, &answer))
	return nil
}

func parseRequest(payload []byte) (request, error) {
	m, err := amqp.ReadMessage(payload)
	if err != nil {
		return request{}, err
	}
	p, err := amqp.ReadProperties(m.Properties)
	if err != nil {
		return request{}, err
	}
	req := request{id: p.MessageID, replyTo: p.ReplyTo}
	if m.ApplicationProperties != nil {
		r := amqp.NewReader(m.ApplicationProperties)
		req.properties, _ = r.Value().(amqp.Map)
	}
	if len(m.Body) > 0 {
		req.body, err = m.BodyValue()
	}
	return req, err
}

// encodeReply gives the message that answers a request. The status goes by both of its names.
func encodeReply(req *request, answer *reply) []byte {
	b := make([]byte, 0, len(answer.body)+256)
	b = amqp.AppendReply(b, req.replyTo, req.id)
	b, start := amqp.BeginMap(amqp.AppendDescriptor(b, amqp.DescApplicationProperties))
	pairs := 4
	b = amqp.AppendInt(amqp.AppendString(b, "statusCode"), answer.status)
	b = amqp.AppendInt(amqp.AppendString(b, "status-code"), answer.status)
	b = amqp.AppendString(amqp.AppendString(b, "statusDescription"), answer.description)
	b = amqp.AppendString(amqp.AppendString(b, "status-description"), answer.description)
	if answer.condition != "" {
		b = amqp.AppendSymbol(amqp.AppendString(b, "errorCondition"), answer.condition)
		pairs++
	}
	b = amqp.EndMap(b, start, pairs)
	b = amqp.AppendDescriptor(b, amqp.DescValue)
	if answer.body == nil {
		return amqp.AppendNull(b)
	}
	return append(b, answer.body...)
}

// replyLink finds the link that wants the answers of a node: the one whose own address is replyTo, as in the SDK for Go, or
// whose name is, as in that for JavaScript; or else the only one there is in the session.
func (c *conn) replyLink(from *session, n node, replyTo string) *outgoingLink {
	if l := from.replyLink(n, replyTo); l != nil {
		return l
	}
	for _, s := range c.sessions {
		if l := s.replyLink(n, replyTo); l != nil && replyTo != "" {
			return l
		}
	}
	return nil
}

func (s *session) replyLink(n node, replyTo string) *outgoingLink {
	var only *outgoingLink
	candidates := 0
	for _, l := range s.links {
		out, ok := l.(*outgoingLink)
		if !ok || out.stopped || out.node.kind != n.kind || !strings.EqualFold(out.node.path, n.path) {
			continue
		}
		if replyTo != "" && (out.target == replyTo || out.name == replyTo) {
			return out
		}
		only, candidates = out, candidates+1
	}
	if candidates == 1 && replyTo == "" {
		return only
	}
	return nil
}

// enqueueReply gives the link an answer to send.
func (l *outgoingLink) enqueueReply(encoded []byte) {
	if l.replyBytes > 0 && l.replyBytes+len(encoded) > maxReplyBytes {
		l.session.closeLink(l.handle, l, failure(amqp.CondResourceLimitExceeded, "too many answers wait for credit"))
		return
	}
	l.replies = append(l.replies, encoded)
	l.replyBytes += len(encoded)
	l.wake.Signal()
}

// sendReplies sends answers until the link ends.
func (l *outgoingLink) sendReplies() {
	c := l.session.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for l.awaitReply() {
		if len(l.replies) == 0 || l.credit == 0 { // drain
			l.finishDrain()
			continue
		}
		encoded := l.replies[0]
		l.replies = l.replies[1:]
		l.replyBytes -= len(encoded)
		if !l.sendBytes(binary.BigEndian.AppendUint32(nil, l.deliveryCount), encoded) {
			return
		}
		if !l.settled {
			l.session.unsettled[l.session.nextDeliveryID-1] = delivery{link: l}
		}
	}
}

// awaitReply waits until there is an answer and credit for it, or the receiver drains. It gives false when the link has ended.
func (l *outgoingLink) awaitReply() bool {
	for !l.ended() && !l.drain && (len(l.replies) == 0 || l.credit == 0) {
		l.wait()
	}
	return !l.ended()
}
