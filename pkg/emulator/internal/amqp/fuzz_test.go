package amqp

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzValue shows that decoding survives any input, that Skip accepts exactly what Value does, and that a value encoded
// again decodes to the same.
func FuzzValue(f *testing.F) {
	for _, v := range []any{nil, "text", uint64(300), List{Map{{"k", int64(1)}}, Symbol("s")}, []int64{1, 2},
		Array{Type: codeList32, Values: []any{List{"a"}}}, &Described{Symbol("d"), true}} {
		f.Add(AppendValue(nil, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, s := NewReader(b), NewReader(b)
		v := r.Value()
		if s.Skip(); (s.Err() == nil) != (r.Err() == nil) {
			t.Fatalf("Value: %v, Skip: %v", r.Err(), s.Err())
		}
		if r.Err() != nil {
			if !errors.Is(r.Err(), ErrMalformed) {
				t.Fatal(r.Err())
			}
			return
		}
		if r.Len() != s.Len() {
			t.Fatalf("Value leaves %d, Skip %d", r.Len(), s.Len())
		}
		first := AppendValue(nil, v)
		again := NewReader(first)
		second := AppendValue(nil, again.Value())
		if again.Err() != nil || again.Len() != 0 || !bytes.Equal(first, second) {
			t.Fatalf("%#v: %x became %x, %v", v, first, second, again.Err())
		}
	})
}

// FuzzFrames shows that the frame reader survives any stream, never holds more than the maximum, and gives the same frames
// however the stream is cut.
func FuzzFrames(f *testing.F) {
	f.Add(append(HeaderAMQP[:], frame(FrameAMQP, 1, "body")...), 3)
	f.Add(append(frame(FrameSASL, 0, ""), 0, 0, 0, 9, 2), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		const most = 64 << 10
		whole := NewFrameReader(bytes.NewReader(b), most)
		pieces := NewFrameReader(&cutReader{b: b, n: max(1, cut%100)}, most)
		for {
			x, err := whole.Next()
			y, err2 := pieces.Next()
			if !errors.Is(err2, err) && (err == nil || err2 == nil || err.Error() != err2.Error()) {
				t.Fatalf("%v, in pieces %v", err, err2)
			}
			if len(whole.buf) > max(most, readAheadLimit) {
				t.Fatalf("a buffer of %d bytes", len(whole.buf))
			}
			if err != nil {
				return
			}
			if x.Type != y.Type || x.Channel != y.Channel || !bytes.Equal(x.Body, y.Body) {
				t.Fatalf("%+v, in pieces %+v", x, y)
			}
		}
	})
}

// cutReader gives n bytes at a time.
type cutReader struct {
	b []byte
	n int
}

func (c *cutReader) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(c.n, len(p))], c.b)
	c.b = c.b[n:]
	return n, nil
}

// FuzzPerformative shows that every frame body decodes or fails cleanly, and that one that decodes comes back from its encoding.
func FuzzPerformative(f *testing.F) {
	for _, p := range performatives() {
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		d := r.Descriptor()
		p := empty(d)
		if p == nil {
			return
		}
		if p.Read(&r); r.Err() != nil {
			if !errors.Is(r.Err(), ErrMalformed) {
				t.Fatal(r.Err())
			}
			return
		}
		first := p.Append(nil)
		again, q := NewReader(first), empty(d)
		again.Descriptor()
		q.Read(&again)
		if second := q.Append(nil); again.Err() != nil || !bytes.Equal(first, second) {
			t.Fatalf("%+v: %x became %x, %v", p, first, second, again.Err())
		}
	})
}

// FuzzMessage shows that a message is cut up or refused cleanly, and that what is accepted can be put together again.
func FuzzMessage(f *testing.F) {
	f.Add(section(DescData, []byte("body")))
	f.Add(join((&Header{}).Append(nil), section(DescMessageAnnotations, Map{{Symbol("x-opt"), "y"}}), section(DescProperties, List{"id"}),
		section(DescApplicationProperties, Map{{"k", "v"}}), section(DescValue, nil), section(DescFooter, Map{})))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadMessage(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if _, err := m.BodyValue(); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		p, err := ReadProperties(m.Properties)
		if err != nil {
			return
		}
		again, err := ReadMessage(join(m.Header.Append(nil), p.AppendWithID(nil, "id"), m.Body, m.Footer))
		if err != nil || !bytes.Equal(again.Body, m.Body) || !bytes.Equal(again.Footer, m.Footer) {
			t.Fatalf("put together again: %+v, %v", again, err)
		}
	})
}
