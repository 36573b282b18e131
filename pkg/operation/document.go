package operation

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// readDocument reads a payload as the schema validator wants it: objects as
// maps, numbers as [json.Number]. What it gives is no part of the payload.
func readDocument(payload []byte) (any, error) {
	s := scanner{text: payload}
	if value, ok := s.document(); ok {
		return value, nil
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(payload))
}

// maxDepth is how deeply a scanner follows values within values.
const maxDepth = 100

// scanner reads JSON (RFC 8259) of the usual kind several times faster than
// encoding/json. It does not say what is wrong with a text, nor does it read
// escapes in strings: at either it gives up.
type scanner struct {
	text  []byte
	at    int
	depth int
}

func (s *scanner) document() (any, bool) {
	value, ok := s.value()
	s.space()
	return value, ok && s.at == len(s.text)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next skips space, and one character if it follows.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) value() (any, bool) {
	switch {
	case s.next('"'):
		return s.string()
	case s.next('{'):
		return s.object()
	case s.next('['):
		return s.array()
	case s.word("true"):
		return true, true
	case s.word("false"):
		return false, true
	case s.word("null"):
		return nil, true
	}
	return s.number()
}

func (s *scanner) word(word string) bool {
	found := bytes.HasPrefix(s.text[s.at:], []byte(word))
	if found {
		s.at += len(word)
	}
	return found
}

// enter counts how deep in values the scanner is, leave undoes it.
func (s *scanner) enter() bool { s.depth++; return s.depth <= maxDepth }
func (s *scanner) leave()      { s.depth-- }

func (s *scanner) object() (any, bool) {
	defer s.leave()
	object, ok := map[string]any{}, s.enter()
	if s.next('}') {
		return object, ok
	}
	for ok {
		var name string
		if ok = s.next('"'); !ok {
			break
		}
		if name, ok = s.string(); !ok || !s.next(':') {
			return nil, false
		}
		if object[name], ok = s.value(); ok && !s.next(',') {
			return object, s.next('}')
		}
	}
	return nil, false
}

func (s *scanner) array() (any, bool) {
	defer s.leave()
	array, ok := []any{}, s.enter()
	if s.next(']') {
		return array, ok
	}
	for ok {
		var item any
		item, ok = s.value()
		array = append(array, item)
		if ok && !s.next(',') {
			return array, s.next(']')
		}
	}
	return nil, false
}

// string reads what follows a quotation mark.
func (s *scanner) string() (string, bool) {
	start, ascii := s.at, true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			text := s.text[start:s.at]
			s.at++
			return string(text), ascii || utf8.Valid(text)
		case c < ' ' || c == '\\':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

func (s *scanner) number() (any, bool) {
	start := s.at
	s.skip("-")
	ok := s.skip("0") || s.digits()
	if ok && s.skip(".") {
		ok = s.digits()
	}
	if ok && s.skip("eE") {
		s.skip("+-")
		ok = s.digits()
	}
	return json.Number(s.text[start:s.at]), ok
}

// skip skips one of some characters, if that is what follows.
func (s *scanner) skip(some string) bool {
	if s.at == len(s.text) || strings.IndexByte(some, s.text[s.at]) < 0 {
		return false
	}
	s.at++
	return true
}

// digits skips digits, of which there is to be one.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}
