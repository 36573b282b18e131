package amqp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ProtocolHeader is what each peer sends before its first frame (part 2, section 2.2).
type ProtocolHeader [8]byte

// The headers of plain AMQP 1.0 and of its SASL layer.
var (
	HeaderAMQP = ProtocolHeader{'A', 'M', 'Q', 'P', 0, 1, 0, 0}
	HeaderSASL = ProtocolHeader{'A', 'M', 'Q', 'P', 3, 1, 0, 0}
)

// FrameType is the type of a frame.
type FrameType byte

// The types of frame (part 2, section 2.3.2, and part 5, section 5.3.1).
const (
	FrameAMQP FrameType = 0
	FrameSASL FrameType = 1
)

// frameHeader is the number of bytes before a frame's extended header and body.
const frameHeader = 8

// MinMaxFrameSize is the smallest maximum frame size a peer may ask for.
const MinMaxFrameSize = 512

// ErrFrameTooLarge is given for a frame larger than the maximum that was agreed on. It wraps [ErrMalformed].
var ErrFrameTooLarge = fmt.Errorf("%w: a frame is larger than the maximum frame size", ErrMalformed)

// Frame is one frame. An AMQP frame without a body is a heartbeat.
type Frame struct {
	Type    FrameType
	Channel uint16
	Body    []byte
}

// AppendFrameHeader appends the header of a frame and leaves its size open. The start it gives goes to FinishFrame.
func AppendFrameHeader(b []byte, t FrameType, channel uint16) (_ []byte, start int) {
	return append(b, 0, 0, 0, 0, 2, byte(t), byte(channel>>8), byte(channel)), len(b)
}

// FinishFrame fills in the size of the frame that begins at start and ends where b does.
func FinishFrame(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// FrameReader takes frames from a stream through a buffer that grows with the frames, up to the maximum frame size.
type FrameReader struct {
	src        io.Reader
	buf        []byte
	start, end int // of the unread part of buf
	max        int
}

// The sizes between which a FrameReader's buffer grows by itself, so that one read can give many frames.
const (
	initialBuffer  = 8 << 10
	readAheadLimit = 64 << 10
)

// NewFrameReader gives a FrameReader that refuses frames larger than maxFrameSize bytes.
func NewFrameReader(src io.Reader, maxFrameSize uint32) *FrameReader {
	return &FrameReader{src: src, buf: make([]byte, initialBuffer), max: int(maxFrameSize)}
}

// ProtocolHeader takes a protocol header.
func (f *FrameReader) ProtocolHeader() (h ProtocolHeader, err error) {
	if err := f.fill(len(h)); err != nil {
		return h, err
	}
	copy(h[:], f.buf[f.start:])
	f.start += len(h)
	return h, nil
}

// Next takes a frame. Its body is valid until the next call. The error is io.EOF at an end between frames,
// io.ErrUnexpectedEOF inside one, or wraps [ErrMalformed].
func (f *FrameReader) Next() (Frame, error) {
	if err := f.fill(frameHeader); err != nil {
		return Frame{}, err
	}
	size := binary.BigEndian.Uint32(f.buf[f.start:])
	offset := int(f.buf[f.start+4]) * 4
	switch {
	case uint64(size) > uint64(f.max):
		return Frame{}, ErrFrameTooLarge
	case offset < frameHeader || uint64(offset) > uint64(size):
		return Frame{}, fmt.Errorf("%w: a frame of %d bytes with its body at %d", ErrMalformed, size, offset)
	}
	if err := f.fill(int(size)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	b := f.buf[f.start : f.start+int(size) : f.start+int(size)]
	f.start += int(size)
	return Frame{Type: FrameType(b[5]), Channel: binary.BigEndian.Uint16(b[6:]), Body: b[offset:]}, nil
}

// Buffered gives whether the next call to Next needs not wait for the stream.
func (f *FrameReader) Buffered() bool {
	unread := f.end - f.start
	return unread >= frameHeader && uint64(unread) >= uint64(binary.BigEndian.Uint32(f.buf[f.start:]))
}

// fill makes at least n unread bytes available.
func (f *FrameReader) fill(n int) error {
	if f.end-f.start >= n {
		return nil
	}
	f.makeRoom(n)
	for f.end-f.start < n {
		m, err := f.src.Read(f.buf[f.end:])
		f.end += m
		if err != nil && f.end-f.start < n {
			if errors.Is(err, io.EOF) && f.end > f.start {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// makeRoom moves the unread bytes to the buffer's start, into a larger one if n bytes do not fit or if the last reads filled it.
func (f *FrameReader) makeRoom(n int) {
	size := len(f.buf)
	if f.end == size && size < readAheadLimit {
		size *= 2
	}
	size = max(size, n)
	into := f.buf
	if size > len(f.buf) {
		into = make([]byte, size)
	}
	f.end = copy(into, f.buf[f.start:f.end])
	f.start, f.buf = 0, into
}
