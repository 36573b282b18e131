package wire

import (
	"reflect"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
)

// The properties that a settlement changes replace those of the sender and leave the rest, in any encoding.
func TestChangedProperties(t *testing.T) {
	section := amqp.AppendValue(amqp.AppendDescriptor(nil, amqp.DescApplicationProperties),
		amqp.Map{{Key: "a", Value: int32(1)}, {Key: "b", Value: "kept"}})
	m, err := parseMessage(append(section, message("x")...))
	if err != nil {
		t.Fatal(err)
	}
	m.Properties = map[string]any{"c": true, "a": "changed"}
	got, err := amqp.ReadMessage(appendMessage(nil, m, true))
	if err != nil {
		t.Fatal(err)
	}
	r := amqp.NewReader(got.ApplicationProperties)
	want := amqp.Map{{Key: "b", Value: "kept"}, {Key: "a", Value: "changed"}, {Key: "c", Value: true}}
	if v := r.Value(); !reflect.DeepEqual(v, want) {
		t.Errorf("got %v", v)
	}
	if string(got.Body) != string(message("x")) || got.DeliveryAnnotations == nil {
		t.Errorf("got %+v", got)
	}
}

// Identifiers of every type are compared as text, and times to live are understood in both of their forms.
func TestIdentifiersAndTimes(t *testing.T) {
	now := time.UnixMilli(1e12)
	for _, c := range []struct {
		properties amqp.List
		id         string
		ttl        time.Duration
	}{
		{amqp.List{"text"}, "text", time.Second},
		{amqp.List{uint64(18446744073709551615)}, "18446744073709551615", time.Second},
		{amqp.List{amqp.UUID{0x12, 0x34, 4: 0xab, 15: 0xff}}, "12340000-ab00-0000-0000-0000000000ff", time.Second},
		{amqp.List{[]byte{1, 2, 255}}, "AQL/", time.Second},
		{amqp.List{"x", nil, nil, nil, nil, nil, nil, nil, now.Add(100 * 24 * time.Hour), now}, "x", 100 * 24 * time.Hour},
		{amqp.List{"x", nil, nil, nil, nil, nil, nil, nil, now.Add(-1), now}, "x", time.Second},
	} {
		header := amqp.Header{TTL: amqp.Some(uint32(1000))}
		section := amqp.AppendValue(amqp.AppendDescriptor(header.Append(nil), amqp.DescProperties), c.properties)
		m, err := parseMessage(append(section, message("x")...))
		if err != nil || m.ID != c.id || m.TimeToLive != c.ttl {
			t.Errorf("%v: id %q, time to live %v, %v", c.properties, m.ID, m.TimeToLive, err)
		}
	}
}

// Addresses give their entity and node, with or without scheme, host and case.
func TestParseAddress(t *testing.T) {
	for addr, want := range map[string]struct {
		path string
		kind nodeKind
	}{
		"q": {"q", nodeEntity}, "/q/": {"q", nodeEntity}, "a/b": {"a/b", nodeEntity}, "": {"", nodeEntity},
		"sb://host:5672/q": {"q", nodeEntity}, "sb://host": {"", nodeEntity}, "amqps://host/q/$management": {"q", nodeManagement},
		"q/$DeadLetterQueue/$Management": {"q/$DeadLetterQueue", nodeManagement}, "$management": {"", nodeManagement},
		"$cbs": {"", nodeCBS}, "amqp://h/$CBS": {"", nodeCBS},
	} {
		if path, kind := parseAddress(addr); path != want.path || kind != want.kind {
			t.Errorf("%q is %q, %d", addr, path, kind)
		}
	}
}

// Annotations that are the broker's to set cannot be forged; all others are kept, whatever their keys.
func TestForgedAnnotations(t *testing.T) {
	forged := amqp.Map{{Key: amqp.Symbol(keySequenceNumber), Value: int64(99)}, {Key: keyLockedUntil, Value: "x"},
		{Key: amqp.Symbol("mine"), Value: "kept"}, {Key: uint64(5), Value: "kept too"}}
	m, err := parseMessage(append(amqp.AppendValue(amqp.AppendDescriptor(nil, amqp.DescMessageAnnotations), forged), message("x")...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := amqp.ReadMessage(appendMessage(nil, m, false))
	if err != nil {
		t.Fatal(err)
	}
	r := amqp.NewReader(got.MessageAnnotations)
	annotations := r.Value().(amqp.Map)
	if annotations.Get(keySequenceNumber) != int64(0) || annotations.Get(keyLockedUntil) != nil || annotations.Get("mine") != "kept" ||
		len(annotations) != 6 || annotations[1].Value != "kept too" {
		t.Errorf("got %v", annotations)
	}
}
