package csvprofile

import (
	"bytes"
	"io"
)

const (
	bufferSize = 256 << 10 // bytes
	// maxField is how much of a field is looked at, in bytes. A quote that is
	// never closed makes one field of all that follows.
	maxField = 64 << 10
)

// scanner splits CSV text into fields. It holds one buffer and one field,
// however long a row is.
type scanner struct {
	reader    io.Reader
	delimiter byte
	onRead    func() // called after each refill, may be nil

	buffer     []byte
	start, end int // of what is not yet consumed
	err        error
	scratch    []byte

	line      int64 // number of the line that the scanner is in, from 1
	malformed bool  // a quote was out of place; the caller resets it
	truncated int64 // fields longer than maxField
}

func newScanner(r io.Reader, delimiter byte) *scanner {
	return &scanner{reader: r, delimiter: delimiter, buffer: make([]byte, bufferSize), line: 1}
}

// fill makes room and reads more. It reports whether there is any.
func (s *scanner) fill() bool {
	if s.start > 0 {
		s.end = copy(s.buffer, s.buffer[s.start:s.end])
		s.start = 0
	}
	for s.err == nil && s.end < len(s.buffer) {
		n, err := s.reader.Read(s.buffer[s.end:])
		s.end += n
		s.err = err
		if s.onRead != nil {
			s.onRead()
		}
		if n > 0 {
			return true
		}
	}
	return false
}

// more reports whether there is another field.
func (s *scanner) more() bool { return s.start < s.end || s.fill() }

// failure gives the error that ended the text, or nil at its regular end.
func (s *scanner) failure() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// field gives the next field, which is valid until the next call, and whether
// it is the last of its row. The caller has asked for more before a row; within
// one there is always a field, if only an empty one.
func (s *scanner) field() (text []byte, last bool) {
	s.more()
	if s.start < s.end && s.buffer[s.start] == '"' {
		if text, last, ok := s.quoted(); ok {
			return text, last
		}
	} else if text, last, ok := s.plain(); ok {
		return text, last
	}
	return s.slow()
}

// plain reads a field without quotes that ends within the buffer.
func (s *scanner) plain() (text []byte, last, ok bool) {
	rest := s.buffer[s.start:s.end]
	for i, c := range rest {
		if c == s.delimiter {
			s.start += i + 1
			return rest[:i], false, true
		}
		if c == '\n' {
			s.start += i + 1
			s.line++
			return bytes.TrimSuffix(rest[:i], []byte("\r")), true, true
		}
	}
	return nil, false, false
}

// quoted reads a field in quotes that has none inside and ends within the
// buffer.
func (s *scanner) quoted() (text []byte, last, ok bool) {
	rest := s.buffer[s.start+1 : s.end]
	i := bytes.IndexByte(rest, '"')
	if i < 0 || i+2 >= len(rest) {
		return nil, false, false
	}
	after := i + 1
	if rest[after] == '\r' {
		after++
	}
	last = rest[after] == '\n'
	if !last && rest[i+1] != s.delimiter {
		return nil, false, false
	}
	s.line += int64(bytes.Count(rest[:after+1], []byte("\n")))
	s.start += 1 + after + 1
	return rest[:i], last, true
}

// slow reads any field byte by byte.
func (s *scanner) slow() (text []byte, last bool) {
	s.scratch = s.scratch[:0]
	length, quoted, inside := 0, false, false
	if s.more() && s.buffer[s.start] == '"' {
		s.start++
		quoted, inside = true, true
	}
	for s.more() {
		c := s.buffer[s.start]
		s.start++
		switch {
		case inside && c == '"':
			if inside = s.more() && s.buffer[s.start] == '"'; !inside {
				continue
			}
			s.start++
		case !inside && c == s.delimiter:
			return s.finish(length), false
		case !inside && c == '\n':
			s.line++
			return bytes.TrimSuffix(s.finish(length), []byte("\r")), true
		case !inside && quoted && c != '\r':
			s.malformed = true
		case c == '\n':
			s.line++
		}
		if length++; length <= maxField {
			s.scratch = append(s.scratch, c)
		}
	}
	s.malformed = s.malformed || inside
	return s.finish(length), true
}

// finish gives what is kept of a field of the given length.
func (s *scanner) finish(length int) []byte {
	if length > maxField {
		s.truncated++
	}
	return s.scratch
}
