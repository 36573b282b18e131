package csvprofile

import (
	"bytes"
	"strconv"
	"time"
)

// kind is what one value looks like.
type kind int

const (
	null kind = iota
	integer
	number
	boolean
	date
	timestamp
	text
	kinds // how many there are
)

// names of the kinds in a report.
var kindNames = [kinds]string{"null", "integer", "number", "boolean", "date", "timestamp", "string"}

// value is one value and what it means.
type value struct {
	kind    kind
	integer int64
	number  float64 // of an integer too
	moment  time.Time
}

// maxIntegerDigits is how many digits always fit an int64; a longer integer
// counts as a number.
const maxIntegerDigits = 18

// read recognises a value. layout is the time layout that fit the column
// last, and is kept up.
func read(raw []byte, layout *string) value {
	if len(raw) == 0 {
		return value{kind: null}
	}
	switch c := raw[0]; {
	case c >= '0' && c <= '9':
		if len(raw) >= len(time.DateOnly) && raw[4] == '-' {
			return readTime(raw, layout)
		}
		return readNumber(raw)
	case c == '-' || c == '+' || c == '.':
		return readNumber(raw)
	default:
		return readWord(raw)
	}
}

// readNumber reads decimal numbers. A leading zero makes a code, such as a
// postal code, and no number.
func readNumber(raw []byte) value {
	digits := raw
	negative := raw[0] == '-'
	if negative || raw[0] == '+' {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' && digits[1] != '.' && digits[1] != 'e' && digits[1] != 'E' {
		return value{kind: text}
	}
	var n int64
	for i, c := range digits {
		if c < '0' || c > '9' || i >= maxIntegerDigits {
			return readFloat(raw)
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return value{kind: integer, integer: n, number: float64(n)}
}

func readFloat(raw []byte) value {
	for _, c := range raw {
		if (c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			return value{kind: text}
		}
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return value{kind: text}
	}
	return value{kind: number, number: f}
}

// readWord recognises words for truth and for nothing at all.
func readWord(raw []byte) value {
	if len(raw) > len("false") {
		return value{kind: text}
	}
	switch {
	case bytes.EqualFold(raw, []byte("true")), bytes.EqualFold(raw, []byte("false")):
		return value{kind: boolean}
	case bytes.EqualFold(raw, []byte("null")), bytes.EqualFold(raw, []byte("nan")), string(raw) == `\N`:
		return value{kind: null}
	}
	return value{kind: text}
}

// layouts of ISO 8601 that are recognised; a fraction of a second may follow
// the seconds of any of them.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", time.DateTime, "2006-01-02 15:04",
}

func readTime(raw []byte, layout *string) value {
	const longest = 40
	switch {
	case len(raw) == len(time.DateOnly):
		if moment, err := time.Parse(time.DateOnly, string(raw)); err == nil {
			return value{kind: date, moment: moment}
		}
		return value{kind: text}
	case raw[10] != 'T' && raw[10] != ' ' || len(raw) > longest:
		return value{kind: text}
	}
	s := string(raw)
	if *layout != "" {
		if moment, err := time.Parse(*layout, s); err == nil {
			return value{kind: timestamp, moment: moment}
		}
	}
	for _, one := range layouts {
		if moment, err := time.Parse(one, s); err == nil {
			*layout = one
			return value{kind: timestamp, moment: moment}
		}
	}
	return value{kind: text}
}
