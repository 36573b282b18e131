package amqp

import (
	"bytes"
	"testing"
)

// transferFrame is a frame as a sending client writes it, with a small message.
func transferFrame() []byte {
	b, start := AppendFrameHeader(nil, FrameAMQP, 1)
	b = (&Transfer{Handle: 1, DeliveryID: Some(uint32(70000)), DeliveryTag: []byte{1, 2, 3, 4}, MessageFormat: Some(uint32(0))}).Append(b)
	b = append(b, join((&Header{TTL: Some(uint32(1000))}).Append(nil), section(DescMessageAnnotations, Map{}),
		section(DescProperties, List{"0123456789abcdef", nil, nil, nil, nil, nil, Symbol("application/json")}),
		section(DescApplicationProperties, Map{{"RequestGUID", "0123456789abcdef"}, {"Operation", "thumbnail"}}),
		section(DescData, make([]byte, 256)))...)
	return FinishFrame(b, start)
}

// BenchmarkReadTransfer is the broker's work of decoding for each message sent to it.
func BenchmarkReadTransfer(b *testing.B) {
	one := transferFrame()
	stream := bytes.Repeat(one, 1000)
	src := bytes.NewReader(stream)
	frames := NewFrameReader(src, 64<<10)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			src.Reset(stream)
		}
		f, err := frames.Next()
		if err != nil {
			b.Fatal(err)
		}
		r := NewReader(f.Body)
		r.Descriptor()
		var t Transfer
		t.Read(&r)
		m, err := ReadMessage(r.Rest())
		if err != nil || len(m.Body) == 0 {
			b.Fatal(err)
		}
		if p, err := ReadProperties(m.Properties); err != nil || p.MessageID == nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendDisposition is the broker's work of encoding for each settlement it answers.
func BenchmarkAppendDisposition(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for i := uint32(1 << 20); b.Loop(); i++ {
		var start int
		buf, start = AppendFrameHeader(buf[:0], FrameAMQP, 1)
		buf = (&Disposition{Role: RoleReceiver, First: i, Settled: true, State: Accepted}).Append(buf)
		buf = FinishFrame(buf, start)
	}
}

// BenchmarkAppendTransfer is the broker's work of encoding the frame around each message it delivers.
func BenchmarkAppendTransfer(b *testing.B) {
	buf, payload, tag := make([]byte, 0, 1024), make([]byte, 512), make([]byte, 16)
	b.ReportAllocs()
	for i := uint32(1 << 20); b.Loop(); i++ {
		var start int
		buf, start = AppendFrameHeader(buf[:0], FrameAMQP, 1)
		buf = (&Transfer{Handle: 1, DeliveryID: Some(i), DeliveryTag: tag, MessageFormat: Some(uint32(0))}).Append(buf)
		buf = FinishFrame(append(buf, payload...), start)
	}
}
