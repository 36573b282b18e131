package wire

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// encodedOverhead is more than the broker adds to what it keeps of a message, changed properties aside.
const encodedOverhead = 512

// appendMessage appends a message as it is delivered. With withToken its lock token goes into a delivery annotation, for
// those that are not delivered by a transfer with a tag.
func appendMessage(b []byte, m *queue.Message, withToken bool) []byte {
	c := m.Content.(*content)
	header := c.header
	header.DeliveryCount = m.DeliveryCount
	header.TTL = remainingTTL(m, c)
	b = header.Append(b)
	if withToken {
		b = appendToken(b, m.LockToken)
	}
	b = appendAnnotations(b, m, c)
	if m.Properties == nil {
		return append(b, c.tail...)
	}
	b = append(b, c.tail[:c.appStart]...)
	b = appendProperties(b, c.tail[c.appStart:c.appEnd], m.Properties)
	return append(b, c.tail[c.appEnd:]...)
}

// remainingTTL gives the header's time to live: the message's own or that of its queue, whichever ends first.
func remainingTTL(m *queue.Message, c *content) amqp.Optional[uint32] {
	if m.ExpiresAt.IsZero() || m.EnqueuedTime.IsZero() {
		return c.header.TTL
	}
	ms := m.ExpiresAt.Sub(m.EnqueuedTime).Milliseconds()
	return amqp.Some(uint32(min(max(ms, 0), math.MaxUint32)))
}

func appendToken(b []byte, t queue.Token) []byte {
	b, start := amqp.BeginMap(amqp.AppendDescriptor(b, amqp.DescDeliveryAnnotations))
	b = amqp.AppendUUID(amqp.AppendSymbol(b, keyLockToken), amqp.UUID(t))
	return amqp.EndMap(b, start, 1)
}

// appendProperties appends the application properties section, given encoded, with some of its properties changed.
func appendProperties(b, section []byte, changed map[string]any) []byte {
	b, start := amqp.BeginMap(amqp.AppendDescriptor(b, amqp.DescApplicationProperties))
	pairs := 0
	if len(section) > 0 {
		r := amqp.NewReader(section)
		r.Descriptor()
		old, n := r.OpenMap()
		for range n {
			key, value := old.Raw(), old.Raw()
			if _, ok := changed[string(amqp.RawText(key))]; !ok {
				b = append(append(b, key...), value...)
				pairs++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		b = amqp.AppendValue(amqp.AppendString(b, name), changed[name])
		pairs++
	}
	return amqp.EndMap(b, start, pairs)
}

// tag gives a lock token in the byte order of a .NET Guid, in which it is the tag of a delivery: the first three of its
// fields are little-endian.
func tag(t queue.Token) [16]byte {
	g := [16]byte(t)
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(t[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(t[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(t[6:]))
	return g
}

// expired gives whether a lock that ended at this time is over.
func expired(lockedUntil time.Time) bool { return !lockedUntil.After(time.Now()) }
