package check

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind says what a token is. Punctuation and operators are their own text.
type kind int

const (
	punctuation kind = iota
	identifier
	number
	text // a piece of a string: text, then } or ${ or the end
	newline
	end
)

type token struct {
	Pos
	kind kind
	text string // of a string's piece, its value
	// open and closed say of a piece whether the string goes on before and
	// after it.
	continues, interpolates bool
}

// Mistake is something wrong in a file.
type Mistake struct {
	Path string
	Pos
	Reason string
}

// Error gives path:line:column: reason.
func (m *Mistake) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", m.Path, m.Line, m.Column, m.Reason)
}

// lexer cuts a file into tokens.
type lexer struct {
	path   string
	rest   string
	at     Pos
	tokens []token
	// braces counts, for each string that we are in an interpolation of, the
	// braces that are open in it.
	braces []int
}

// operators of more than one character, longest first.
var operators = []string{"=>", "==", "!=", "<=", ">=", "&&", "||", "??", "=~", "!~"}

// tokenize panics with a *Mistake.
func tokenize(path, source string) []token {
	l := &lexer{path: path, rest: source, at: Pos{1, 1}}
	for l.rest != "" {
		l.next()
	}
	l.emit(end, "")
	return l.tokens
}

func (l *lexer) fail(at Pos, format string, args ...any) {
	panic(&Mistake{l.path, at, fmt.Sprintf(format, args...)})
}

func (l *lexer) emit(k kind, s string) {
	l.tokens = append(l.tokens, token{Pos: l.at, kind: k, text: s})
}

// skip moves over n bytes.
func (l *lexer) skip(n int) string {
	s := l.rest[:n]
	l.rest = l.rest[n:]
	if lines := strings.Count(s, "\n"); lines > 0 {
		l.at.Line += lines
		l.at.Column = 1 + utf8.RuneCountInString(s[strings.LastIndex(s, "\n")+1:])
	} else {
		l.at.Column += utf8.RuneCountInString(s)
	}
	return s
}

func (l *lexer) next() {
	switch c := l.rest[0]; {
	case c == '\n':
		l.emit(newline, "the end of the line")
		l.skip(1)
	case c == ' ' || c == '\t' || c == '\r':
		l.skip(1)
	case strings.HasPrefix(l.rest, "//"):
		l.skip(len(l.rest) - len(strings.TrimLeftFunc(l.rest, func(r rune) bool { return r != '\n' })))
	case strings.HasPrefix(l.rest, "'''"):
		l.verbatim()
	case c == '\'':
		l.piece(false)
	case c == '}' && len(l.braces) > 0 && l.braces[len(l.braces)-1] == 0:
		l.braces = l.braces[:len(l.braces)-1]
		l.piece(true)
	case isLetter(c):
		n := strings.IndexFunc(l.rest, func(r rune) bool { return r > 127 || !isLetter(byte(r)) && !isDigit(byte(r)) })
		l.word(identifier, n)
	case isDigit(c):
		n := strings.IndexFunc(l.rest, func(r rune) bool { return r > 127 || !isDigit(byte(r)) })
		l.word(number, n)
	default:
		l.punctuation()
	}
}

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (l *lexer) word(k kind, n int) {
	if n < 0 {
		n = len(l.rest)
	}
	l.emit(k, l.rest[:n])
	l.skip(n)
}

func (l *lexer) punctuation() {
	for _, operator := range operators {
		if strings.HasPrefix(l.rest, operator) {
			l.word(punctuation, len(operator))
			return
		}
	}
	c := l.rest[0]
	if !strings.ContainsRune("{}[](),:.=?!@+-*/%<>", rune(c)) {
		r, _ := utf8.DecodeRuneInString(l.rest)
		l.fail(l.at, "%q means nothing here", r)
	}
	if n := len(l.braces); n > 0 {
		switch c {
		case '{':
			l.braces[n-1]++
		case '}':
			l.braces[n-1]--
		}
	}
	l.word(punctuation, 1)
}

// verbatim reads a string in three quotes.
func (l *lexer) verbatim() {
	n := strings.Index(l.rest[3:], "'''")
	if n < 0 {
		l.fail(l.at, "string without an end")
	}
	l.tokens = append(l.tokens, token{Pos: l.at, kind: text, text: strings.TrimPrefix(l.rest[3:3+n], "\n")})
	l.skip(n + 6)
}

// piece reads a string up to its end or to an interpolation. The quote or the
// brace with which it begins is still to come.
func (l *lexer) piece(continues bool) {
	begin := l.at
	l.skip(1)
	var value strings.Builder
	for {
		switch {
		case l.rest == "" || l.rest[0] == '\n':
			l.fail(begin, "string without an end")
		case l.rest[0] == '\'':
			l.skip(1)
			l.tokens = append(l.tokens, token{begin, text, value.String(), continues, false})
			return
		case strings.HasPrefix(l.rest, "${"):
			l.skip(2)
			l.braces = append(l.braces, 0)
			l.tokens = append(l.tokens, token{begin, text, value.String(), continues, true})
			return
		case l.rest[0] == '\\':
			value.WriteString(l.escape())
		default:
			_, n := utf8.DecodeRuneInString(l.rest)
			value.WriteString(l.skip(n))
		}
	}
}

// escape reads a backslash and what it stands for.
func (l *lexer) escape() string {
	at := l.at
	if len(l.rest) > 1 {
		if i := strings.IndexByte(`'\nrt$`, l.rest[1]); i >= 0 {
			l.skip(2)
			return "'\\\n\r\t$"[i : i+1]
		}
	}
	if rest, ok := strings.CutPrefix(l.rest, `\u{`); ok {
		if digits, _, ok := strings.Cut(rest, "}"); ok {
			if code, err := strconv.ParseUint(digits, 16, 21); err == nil {
				l.skip(len(digits) + 4)
				return string(rune(code))
			}
		}
	}
	l.fail(at, "unknown escape sequence")
	return ""
}
