package foreign

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// kinds are what is sent, each as often as it is named.
var kinds = []witness.Kind{
	witness.Guest, witness.Guest, witness.Poison, witness.Poison, witness.Poison, witness.Stranger, witness.Garbled, witness.Bodiless,
	witness.Nameless, witness.Misnamed, witness.Intruder, witness.Intruder, witness.Impostor, witness.Impostor,
}

// make makes a message of s's kind, and completes s; ok is false if there is no
// victim for it.
func (p *Program) make(ctx context.Context, s *Sent) (_ *azservicebus.AMQPAnnotatedMessage, ok bool) {
	guid, payload := newGUID(), []byte("payload of "+s.MessageID)
	properties := map[string]any{job.PropertyOperation: p.Work}
	body := azservicebus.AMQPAnnotatedMessageBody{Data: [][]byte{payload}}
	switch s.Kind {
	case witness.Poison:
		properties[job.PropertyOperation] = p.Poison
		properties[job.PropertyQuery] = "failures=1000"
	case witness.Stranger, witness.Impostor:
		properties[job.PropertyOperation] = "no-such-operation"
	case witness.Garbled, witness.Intruder:
		properties[job.PropertyAttempt] = "the first"
	case witness.Bodiless:
		body = azservicebus.AMQPAnnotatedMessageBody{Value: "text"}
	case witness.Misnamed:
		guid = "not-a-guid"
	}
	own := true
	switch s.Kind {
	case witness.Nameless, witness.Misnamed:
		own = false
	case witness.Intruder, witness.Impostor:
		if guid, ok = p.Victim(ctx); !ok {
			return nil, false
		}
		own = false
	}
	if s.Kind != witness.Nameless {
		properties[job.PropertyRequestGUID] = guid
	}
	if own {
		s.ID, s.Payload = guid, payload
	}
	return &azservicebus.AMQPAnnotatedMessage{
		Properties:            &azservicebus.AMQPAnnotatedMessageProperties{MessageID: s.MessageID},
		ApplicationProperties: properties, Body: body,
	}, true
}
