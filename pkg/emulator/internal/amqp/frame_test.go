package amqp

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func frame(t FrameType, channel uint16, body string) []byte {
	b, start := AppendFrameHeader(nil, t, channel)
	return FinishFrame(append(b, body...), start)
}

// Frames come out of a stream as they were put in, however the stream is cut into reads and however large they are.
func TestFrameReader(t *testing.T) {
	large := string(bytes.Repeat([]byte("x"), 3*readAheadLimit))
	want := []Frame{{FrameSASL, 0, []byte("init")}, {FrameAMQP, 7, nil}, {FrameAMQP, 65535, []byte(large)}, {FrameAMQP, 1, []byte("end")}}
	stream := append([]byte(nil), HeaderAMQP[:]...)
	for _, f := range want {
		stream = append(stream, frame(f.Type, f.Channel, string(f.Body))...)
	}
	for name, src := range map[string]io.Reader{
		"whole":    bytes.NewReader(stream),
		"bytewise": iotest.OneByteReader(bytes.NewReader(stream)),
		"halves":   iotest.HalfReader(bytes.NewReader(stream)),
		"at end":   iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		f := NewFrameReader(src, 4*readAheadLimit)
		if h, err := f.ProtocolHeader(); h != HeaderAMQP || err != nil {
			t.Fatalf("%s: header %v, %v", name, h, err)
		}
		for _, w := range want {
			got, err := f.Next()
			if err != nil || got.Type != w.Type || got.Channel != w.Channel || !bytes.Equal(got.Body, w.Body) {
				t.Fatalf("%s: got type %d channel %d of %d bytes, %v", name, got.Type, got.Channel, len(got.Body), err)
			}
		}
		if _, err := f.Next(); err != io.EOF {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}

// Buffered tells that a whole frame has been read already, and only then.
func TestFrameReaderBuffered(t *testing.T) {
	two := append(frame(FrameAMQP, 1, "one"), frame(FrameAMQP, 1, "two")...)
	f := NewFrameReader(bytes.NewReader(two[:len(two)-1]), 512)
	if f.Buffered() {
		t.Error("a frame is buffered before anything was read")
	}
	if _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	if f.Buffered() {
		t.Error("a cut frame counts as buffered")
	}
	f = NewFrameReader(bytes.NewReader(two), 512)
	if _, err := f.Next(); err != nil || !f.Buffered() {
		t.Errorf("the second frame is not buffered, %v", err)
	}
}

// A frame that is too large, too small or cut gives an error, and no memory is taken for what it claims.
func TestFrameReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		stream []byte
		want   error
	}{
		"too large":           {[]byte{0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0}, ErrFrameTooLarge},
		"one byte too large":  {frame(FrameAMQP, 0, string(make([]byte, 512-8+1))), ErrFrameTooLarge},
		"size below header":   {[]byte{0, 0, 0, 7, 2, 0, 0, 0}, ErrMalformed},
		"offset below header": {[]byte{0, 0, 0, 8, 1, 0, 0, 0}, ErrMalformed},
		"offset behind end":   {[]byte{0, 0, 0, 8, 3, 0, 0, 0}, ErrMalformed},
		"cut header":          {[]byte{0, 0, 0}, io.ErrUnexpectedEOF},
		"cut body":            {frame(FrameAMQP, 0, "body")[:10], io.ErrUnexpectedEOF},
		"only a header":       {frame(FrameAMQP, 0, "body")[:8], io.ErrUnexpectedEOF},
		"nothing":             {nil, io.EOF},
	} {
		f := NewFrameReader(bytes.NewReader(c.stream), 512)
		if _, err := f.Next(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(f.buf) > initialBuffer {
			t.Errorf("%s: a buffer of %d bytes", name, len(f.buf))
		}
	}
	if _, err := NewFrameReader(bytes.NewReader([]byte("AMQP")), 512).ProtocolHeader(); err != io.ErrUnexpectedEOF {
		t.Errorf("cut protocol header: %v", err)
	}
}
