// Package foreign plays another program that puts messages into the queue of
// the services, with the stock SDK: some are as they should be, some make no
// sense, and some bear the id of a job that is somebody else's.
package foreign

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// sendTimeout bounds one try to send.
const sendTimeout = 2 * time.Second

// Options say where the queue is and what may be asked for by it. None may be
// left out.
type Options struct {
	ConnectionString, Queue string

	Seed   uint64        // decides kinds and their order
	Every  time.Duration // a message is sent
	Work   string        // operation that succeeds
	Poison string        // operation whose work is done by the same processor, with few attempts
	// Victim gives the id of a job that is running now; ok is false if none is
	// known.
	Victim func(ctx context.Context) (id string, ok bool)
}

// Sent is a message that is in the queue for certain.
type Sent struct {
	MessageID string
	Kind      witness.Kind
	ID        string // of its own job, or ""
	Payload   []byte // of its own job
}

// Buried reports whether the dead-letter queue is the only place that can tell
// of the message, so that it has to lie there: it has no job of its own.
func (s Sent) Buried() bool { return s.ID == "" }

// Program is the other program.
type Program struct {
	Options
	client *azservicebus.Client
	sender *azservicebus.Sender
	chance *mathrand.Rand

	mu   sync.Mutex
	sent []Sent
}

// Open makes a program that has sent nothing yet. It connects when it sends.
func Open(opts Options) (*Program, error) {
	client, err := azservicebus.NewClientFromConnectionString(opts.ConnectionString, &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 8, RetryDelay: 50 * time.Millisecond, MaxRetryDelay: time.Second},
	})
	if err != nil {
		return nil, err
	}
	sender, err := client.NewSender(opts.Queue, nil)
	if err != nil {
		return nil, err
	}
	return &Program{Options: opts, client: client, sender: sender, chance: mathrand.New(mathrand.NewPCG(opts.Seed, 6))}, nil
}

// Close disconnects.
func (p *Program) Close(ctx context.Context) error { return p.client.Close(ctx) }

// Run sends until ctx is done.
func (p *Program) Run(ctx context.Context) {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for n := 0; ; n++ {
		p.send(ctx, kinds[p.chance.IntN(len(kinds))], fmt.Sprintf("foreign-%d-%d", p.Seed, n))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// send sends one message. One that may not have arrived is forgotten: it may do
// what it likes, as long as it disturbs nobody.
func (p *Program) send(ctx context.Context, kind witness.Kind, messageID string) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	s := Sent{MessageID: messageID, Kind: kind}
	m, ok := p.make(ctx, &s)
	if !ok {
		return
	}
	if err := p.sender.SendAMQPAnnotatedMessage(ctx, m, nil); err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, s)
}

// Sent gives what is in the queue for certain.
func (p *Program) Sent() []Sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Sent(nil), p.sent...)
}

// newGUID gives a random UUID: the services have not issued it.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
