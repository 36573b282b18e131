package amqp

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"
)

// section encodes one section of a message.
func section(d Descriptor, v any) []byte { return AppendValue(AppendDescriptor(nil, d), v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// A message is cut into its sections, each as it was encoded.
func TestReadMessage(t *testing.T) {
	header := Header{Durable: true, Priority: Some(uint8(9)), TTL: Some(uint32(60000)), FirstAcquirer: true, DeliveryCount: 3}
	annotations := Map{{Symbol("x-opt-partition-key"), "p"}, {uint64(4), "reserved"}, {"text", int32(1)}}
	properties := List{"id", nil, nil, "subject"}
	data := join(section(DescData, []byte("one")), section(DescData, []byte("two")))
	footer := section(DescFooter, Map{{Symbol("crc"), uint32(1)}})
	whole := join(header.Append(nil), section(DescDeliveryAnnotations, annotations), section(DescMessageAnnotations, annotations),
		section(DescProperties, properties), section(DescApplicationProperties, Map{{"k", "v"}}), data, footer)
	m, err := ReadMessage(whole)
	if err != nil {
		t.Fatal(err)
	}
	want := Message{Header: header, DeliveryAnnotations: AppendValue(nil, annotations), MessageAnnotations: AppendValue(nil, annotations),
		Properties: AppendValue(nil, properties), ApplicationProperties: AppendValue(nil, Map{{"k", "v"}}), Body: data, Footer: footer}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
	r := NewReader(m.Body)
	if one, two := r.NextData(), r.NextData(); string(one) != "one" || string(two) != "two" || r.Err() != nil || r.Len() != 0 {
		t.Errorf("data %q, %q, %v", one, two, r.Err())
	}
}

// The three kinds of body are told apart, and a missing one is none.
func TestBody(t *testing.T) {
	value, sequence := section(DescValue, Map{{"a", "b"}}), section(DescSequence, List{"a"})
	for name, body := range map[string][]byte{"value": value, "sequences": join(sequence, sequence), "none": nil} {
		m, err := ReadMessage(body)
		if err != nil || !bytes.Equal(m.Body, body) {
			t.Errorf("%s: %x, %v", name, m.Body, err)
		}
	}
	if v, err := (&Message{Body: value}).BodyValue(); !reflect.DeepEqual(v, Map{{"a", "b"}}) || err != nil {
		t.Errorf("value %v, %v", v, err)
	}
	if v, err := (&Message{Body: sequence}).BodyValue(); v != nil || err != nil {
		t.Errorf("a sequence has the value %v, %v", v, err)
	}
}

// Sections out of order, twice, of the wrong type or with keys that a receiver would choke on are refused.
func TestMalformedMessages(t *testing.T) {
	data, value := section(DescData, []byte("x")), section(DescValue, "x")
	for name, b := range map[string][]byte{
		"no section":                  {codeNull},
		"unknown section":             section(0x79, "x"),
		"properties before header":    join(section(DescProperties, List{}), section(DescHeader, List{})),
		"two headers":                 join(section(DescHeader, List{}), section(DescHeader, List{})),
		"two values":                  join(value, value),
		"data and value":              join(data, value),
		"value and data":              join(value, data),
		"body behind footer":          join(section(DescFooter, Map{}), data),
		"data that is a string":       section(DescData, "x"),
		"sequence that is a map":      section(DescSequence, Map{}),
		"annotations that are a list": section(DescMessageAnnotations, List{}),
		"null properties":             section(DescProperties, nil),
		"null keys":                   section(DescMessageAnnotations, Map{{nil, "x"}}),
		"symbols as property names":   section(DescApplicationProperties, Map{{Symbol("x"), "x"}}),
		"cut":                         data[:len(data)-1],
		"cut behind descriptor":       data[:3],
		"cut map":                     {codeDescribed, codeSmallUlong, 0x72, codeMap8, 9, 2},
		"delivery count of a string":  section(DescHeader, List{nil, nil, nil, nil, "x"}),
	} {
		if m, err := ReadMessage(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// The properties that a broker needs are decoded, of every type that a message-id may have.
func TestReadProperties(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	full := List{"id", []byte("user"), "to", "subject", "reply", uint64(1), Symbol("type"), Symbol("gzip"), at, at.Add(time.Hour),
		"group", uint32(1), "reply-group"}
	p, err := ReadProperties(AppendValue(nil, full))
	if err != nil || p.MessageID != "id" || p.ReplyTo != Some("reply") || p.AbsoluteExpiryTime != Some(at) ||
		p.CreationTime != Some(at.Add(time.Hour)) {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, id := range []any{nil, uint64(7), UUID{1}, []byte{1}, "text"} {
		p, err := ReadProperties(AppendValue(nil, List{id}))
		if err != nil || !reflect.DeepEqual(p.MessageID, id) {
			t.Errorf("id %v came out as %v, %v", id, p.MessageID, err)
		}
	}
	if p, err := ReadProperties(nil); p.MessageID != nil || err != nil {
		t.Errorf("without a section: %+v, %v", p, err)
	}
	for i := range full {
		wrong := append(List{}, full...)
		wrong[i] = Map{}
		if _, err := ReadProperties(AppendValue(nil, wrong)); !errors.Is(err, ErrMalformed) {
			t.Errorf("a map as field %d: %v", i, err)
		}
	}
}

// Filling in a message-id leaves every other property as it was.
func TestAppendWithID(t *testing.T) {
	for _, fields := range []List{{}, {nil}, {"old", nil, "to"}, {nil, nil, nil, "subject", nil, nil, Symbol("json")}} {
		p, err := ReadProperties(AppendValue(nil, fields))
		if err != nil {
			t.Fatal(err)
		}
		want := append(List{"new"}, fields[min(1, len(fields)):]...)
		r := NewReader(p.AppendWithID(nil, "new"))
		if d := r.Descriptor(); d != DescProperties {
			t.Fatalf("descriptor 0x%x", uint64(d))
		}
		if got := r.Value(); !reflect.DeepEqual(got, want) || r.Len() != 0 {
			t.Errorf("%v became %v", fields, got)
		}
	}
}

// An answer carries the identifier of the request as its correlation-id.
func TestAppendReply(t *testing.T) {
	r := NewReader(AppendReply(nil, Some("client"), uint64(5)))
	r.Descriptor()
	want := List{nil, nil, "client", nil, nil, uint64(5)}
	if got := r.Value(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

// Sections may be named by symbols in place of numbers.
func TestSymbolicSections(t *testing.T) {
	named := func(name string, v any) []byte {
		return AppendValue(AppendSymbol([]byte{codeDescribed}, Symbol(name)), v)
	}
	m, err := ReadMessage(join(named("amqp:header:list", List{true}), named("amqp:delivery-annotations:map", Map{}),
		named("amqp:message-annotations:map", Map{}), named("amqp:properties:list", List{"id"}),
		named("amqp:application-properties:map", Map{}), named("amqp:data:binary", []byte("x")), named("amqp:footer:map", Map{})))
	if err != nil || !m.Header.Durable || m.Properties == nil || m.Footer == nil {
		t.Errorf("got %+v, %v", m, err)
	}
	r := NewReader(m.Body)
	if data := r.NextData(); string(data) != "x" || r.Err() != nil {
		t.Errorf("data %q, %v", data, r.Err())
	}
	for name, v := range map[string]any{"amqp:amqp-sequence:list": List{}, "amqp:amqp-value:*": "x"} {
		if _, err := ReadMessage(named(name, v)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
