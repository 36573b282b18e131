package wire

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// prologue is a good start of a conversation: a session with a link to send on, one to receive on and a pair for requests.
func prologue() []byte {
	b := append([]byte(nil), amqp.HeaderAMQP[:]...)
	address := func(a string) *amqp.Source { return &amqp.Source{Address: amqp.Some(a)} }
	target := func(a string) *amqp.Target { return &amqp.Target{Address: amqp.Some(a)} }
	for _, p := range []appender{
		&amqp.Open{ContainerID: "fuzz"},
		&amqp.Begin{IncomingWindow: 100, OutgoingWindow: 100},
		&amqp.Attach{Name: "a", Handle: 0, Role: amqp.RoleSender, Target: target("q")},
		&amqp.Attach{Name: "b", Handle: 1, Role: amqp.RoleReceiver, Source: address("q")},
		&amqp.Attach{Name: "c", Handle: 2, Role: amqp.RoleSender, Target: target("q/$management")},
		&amqp.Attach{Name: "d", Handle: 3, Role: amqp.RoleReceiver, Source: address("q/$management"), Target: target("me")},
		&amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 100, Handle: amqp.Some(uint32(1)), LinkCredit: amqp.Some(uint32(10))},
		&amqp.Flow{NextIncomingID: amqp.Some(uint32(0)), IncomingWindow: 100, Handle: amqp.Some(uint32(3)), LinkCredit: amqp.Some(uint32(10))},
	} {
		b = append(b, frame(amqp.FrameAMQP, 0, p)...)
	}
	return b
}

// FuzzConnection shows that whatever a peer sends after a good start, the connection ends with it, and the queue still works.
func FuzzConnection(f *testing.F) {
	transfer := &amqp.Transfer{Handle: 0, DeliveryID: amqp.Some(uint32(0)), DeliveryTag: []byte{1}}
	for _, b := range [][]byte{
		frame(amqp.FrameAMQP, 0, transfer, message("body")...),
		frame(amqp.FrameAMQP, 0, &amqp.Transfer{Handle: 0, DeliveryID: amqp.Some(uint32(0)), MessageFormat: amqp.Some(uint32(batchFormat))}, message(string(message("x")))...),
		append(frame(amqp.FrameAMQP, 0, transfer, message("body")...),
			frame(amqp.FrameAMQP, 0, &amqp.Disposition{Role: amqp.RoleReceiver, State: amqp.Accepted})...),
		frame(amqp.FrameAMQP, 0, &amqp.Transfer{Handle: 2, DeliveryID: amqp.Some(uint32(0))}, encodeRequest("me", "id",
			amqp.Map{{Key: "operation", Value: "com.microsoft:peek-message"}}, amqp.Map{{Key: "from-sequence-number", Value: int64(0)}, {Key: "message-count", Value: int32(1)}})...),
		frame(amqp.FrameAMQP, 0, &amqp.Flow{Handle: amqp.Some(uint32(1)), Drain: true, Echo: true}),
		frame(amqp.FrameAMQP, 0, &amqp.Detach{Handle: 1, Closed: true}),
		frame(amqp.FrameAMQP, 0, &amqp.End{}),
		frame(amqp.FrameAMQP, 0, &amqp.Close{}),
	} {
		f.Add(b)
	}
	start := prologue()
	f.Fuzz(func(t *testing.T, b []byte) {
		ns := queue.NewNamespace()
		defer ns.Close()
		q, err := ns.Create(queue.Properties{Name: "q"})
		if err != nil {
			t.Fatal(err)
		}
		s := NewServer(Options{Namespace: ns, HandshakeTimeout: time.Second})
		ours, theirs := net.Pipe()
		s.accept(theirs)
		read := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, ours)
			close(read)
		}()
		_, _ = ours.Write(append(start[:len(start):len(start)], b...))
		_ = ours.Close()
		<-read
		s.running.Wait()
		m, err := parseMessage(message("after all"))
		if err == nil {
			err = q.Send(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
