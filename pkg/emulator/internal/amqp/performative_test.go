package amqp

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// performative is what all frame bodies have in common.
type performative interface {
	Append(b []byte) []byte
	Read(r *Reader)
}

// empty gives the zero performative for a descriptor, or nil.
func empty(d Descriptor) performative {
	switch d {
	case DescOpen:
		return new(Open)
	case DescBegin:
		return new(Begin)
	case DescAttach:
		return new(Attach)
	case DescFlow:
		return new(Flow)
	case DescTransfer:
		return new(Transfer)
	case DescDisposition:
		return new(Disposition)
	case DescDetach:
		return new(Detach)
	case DescEnd:
		return new(End)
	case DescClose:
		return new(Close)
	case DescSASLMechanisms:
		return new(SASLMechanisms)
	case DescSASLInit:
		return new(SASLInit)
	case DescSASLOutcome:
		return new(SASLOutcome)
	}
	return nil
}

// performatives holds one of each kind with all of its fields, and with none.
func performatives() []performative {
	failure := &Error{Condition: CondNotFound, Description: "no such queue", Info: Map{{Symbol("k"), "v"}}}
	raw := AppendValue(nil, Map{{Symbol("p"), int32(1)}})
	return []performative{
		&Open{}, &Open{ContainerID: "c", Hostname: "h", MaxFrameSize: Some(uint32(65536)), ChannelMax: Some(uint16(9)),
			IdleTimeout: Some(uint32(60000)), OfferedCapabilities: []Symbol{"a"}, DesiredCapabilities: []Symbol{"b", "c"},
			Properties: raw},
		&Begin{}, &Begin{RemoteChannel: Some(uint16(3)), NextOutgoingID: 1, IncomingWindow: 5000, OutgoingWindow: 1 << 31,
			HandleMax: Some(uint32(255)), Properties: raw},
		&Attach{}, &Attach{Name: "link", Handle: 7, Role: RoleReceiver, SenderSettleMode: Some(SenderMixed),
			ReceiverSettleMode: Some(ReceiverSecond), InitialDeliveryCount: Some(uint32(0)),
			MaxMessageSize: Some(uint64(1 << 40)), Properties: raw,
			Source: &Source{Address: Some("q"), Durable: Some(uint32(1)), ExpiryPolicy: "never", Timeout: Some(uint32(3)),
				Dynamic: true, DynamicNodeProperties: raw, DistributionMode: "move", Filter: raw,
				DefaultOutcome: []byte{codeDescribed, codeSmallUlong, byte(DescReleased), codeList0},
				Outcomes:       []Symbol{"o"}, Capabilities: []Symbol{"c"}},
			Target: &Target{Address: Some("t"), Durable: Some(uint32(2)), ExpiryPolicy: "link-detach",
				Timeout: Some(uint32(4)), Dynamic: true, DynamicNodeProperties: raw, Capabilities: []Symbol{"x"}}},
		&Attach{Source: &Source{}, Target: &Target{Coordinator: true, Capabilities: []Symbol{"amqp:local-transactions"}}},
		&Flow{}, &Flow{NextIncomingID: Some(uint32(1)), IncomingWindow: 2, NextOutgoingID: 3, OutgoingWindow: 4,
			Handle: Some(uint32(5)), DeliveryCount: Some(uint32(6)), LinkCredit: Some(uint32(7)),
			Available: Some(uint32(8)), Drain: true, Echo: true},
		&Transfer{}, &Transfer{Handle: 1, DeliveryID: Some(uint32(2)), DeliveryTag: []byte{}, MessageFormat: Some(uint32(0)),
			Settled: true, More: true, State: State{Kind: DescReceived}, Resume: true, Aborted: true, Batchable: true},
		&Disposition{}, &Disposition{Role: RoleReceiver, First: 1, Last: Some(uint32(9)), Settled: true, State: Accepted,
			Batchable: true},
		&Disposition{State: Rejected(failure)}, &Disposition{State: Rejected(nil)}, &Disposition{State: Released},
		&Disposition{State: State{Kind: DescModified, DeliveryFailed: true, UndeliverableHere: true,
			MessageAnnotations: Map{{"a", "b"}}}},
		&Detach{}, &Detach{Handle: 3, Closed: true, Error: failure},
		&End{}, &End{Error: failure}, &Close{}, &Close{Error: &Error{}},
		&SASLMechanisms{}, &SASLMechanisms{Mechanisms: []Symbol{"PLAIN", "ANONYMOUS"}},
		&SASLInit{}, &SASLInit{Mechanism: "PLAIN", InitialResponse: []byte("\x00u\x00p"), Hostname: "h"},
		&SASLOutcome{}, &SASLOutcome{Code: SASLAuth},
	}
}

// Every performative comes back from its encoding as it went in, and takes no more than its own bytes.
func TestPerformativeRoundTrip(t *testing.T) {
	for _, p := range performatives() {
		r := NewReader(append(p.Append(nil), "payload"...))
		got := empty(r.Descriptor())
		if got == nil {
			t.Errorf("%T: no descriptor: %v", p, r.Err())
			continue
		}
		got.Read(&r)
		if !reflect.DeepEqual(got, p) || r.Err() != nil || string(r.Rest()) != "payload" {
			t.Errorf("%+v came back as %+v, %v, rest %q", p, got, r.Err(), r.Rest())
		}
	}
}

// Symbolic descriptors, nulls, long forms and fields of later versions are understood.
func TestPerformativeVariants(t *testing.T) {
	body := AppendValue(nil, &Described{Symbol("amqp:detach:list"),
		List{uint32(4), true, &Described{Symbol("amqp:error:list"), List{Symbol("amqp:not-found"), nil}}, "later"}})
	r := NewReader(body)
	var d Detach
	if got := r.Descriptor(); got != DescDetach {
		t.Fatalf("descriptor 0x%x, %v", uint64(got), r.Err())
	}
	d.Read(&r)
	if r.Err() != nil || d.Handle != 4 || !d.Closed || d.Error == nil || d.Error.Condition != CondNotFound {
		t.Errorf("got %+v, %v", d, r.Err())
	}
	for _, name := range []string{"open", "begin", "attach", "flow", "transfer", "disposition", "detach", "end", "close",
		"sasl-init", "sasl-response", "error", "received", "accepted", "rejected", "released", "modified", "source",
		"target", "coordinator", "transactional-state", "header", "properties", "amqp-sequence"} {
		r := NewReader(AppendSymbol([]byte{codeDescribed}, Symbol("amqp:"+name+":list")))
		if d := r.Descriptor(); d == 0 || r.Err() != nil {
			t.Errorf("%s: 0x%x, %v", name, uint64(d), r.Err())
		}
	}
}

// Fields of the wrong type are errors that say so.
func TestMalformedPerformatives(t *testing.T) {
	cases := map[string]any{
		"string for a number":    &Described{uint64(DescBegin), List{nil, "x"}},
		"number for a string":    &Described{uint64(DescOpen), List{uint32(1)}},
		"number for a boolean":   &Described{uint64(DescDetach), List{uint32(1), uint32(1)}},
		"map for a list":         &Described{uint64(DescFlow), Map{}},
		"no source":              &Described{uint64(DescAttach), List{"l", uint32(1), true, nil, nil, &Described{uint64(0x29), List{}}}},
		"no target":              &Described{uint64(DescAttach), List{"l", uint32(1), true, nil, nil, nil, &Described{uint64(0x28), List{}}}},
		"no error":               &Described{uint64(DescClose), List{&Described{uint64(1), List{}}}},
		"plain error":            &Described{uint64(DescClose), List{"broken"}},
		"strings for symbols":    &Described{uint64(DescSASLMechanisms), List{List{"PLAIN"}}},
		"unknown symbolic state": &Described{uint64(DescDisposition), List{true, uint32(1), nil, nil, &Described{Symbol("x"), List{}}}},
		"annotations that are no map": &Described{uint64(DescDisposition), List{true, uint32(1), nil, nil,
			&Described{uint64(DescModified), List{nil, nil, "x"}}}},
	}
	for name, v := range cases {
		r := NewReader(AppendValue(nil, v))
		p := empty(r.Descriptor())
		if p == nil {
			t.Fatalf("%s: %v", name, r.Err())
		}
		if p.Read(&r); !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, p, r.Err())
		}
	}
}

// An Error reads as a Go error with its condition and description.
func TestErrorText(t *testing.T) {
	err := &Error{Condition: CondNotFound, Description: "gone"}
	if !strings.Contains(err.Error(), "amqp:not-found") || !strings.Contains(err.Error(), "gone") {
		t.Error(err)
	}
}
