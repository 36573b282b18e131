package csvprofile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	maxColumns = 1000 // that are profiled; more are counted
	maxName    = 1000 // bytes of a column's name that are kept
)

// ErrNotText is given for what cannot be a CSV file in UTF-8.
var ErrNotText = errors.New("not a text in UTF-8")

// Options are options of [Profile]. The zero value is usable.
type Options struct {
	Delimiter byte             // 0: guess among comma, semicolon, tab and bar
	NoHeader  bool             // the first row is data; columns are named column1, column2, …
	OnRead    func(read int64) // called now and then with the bytes read so far
}

// Profile reads r to its end and describes it. It gives [ErrNotText] for what
// is no text, and the errors of r as they are.
func Profile(r io.Reader, options Options) (*Report, error) {
	counted := &counter{reader: r}
	text := bufio.NewReaderSize(counted, sampleSize)
	sample, err := begin(text)
	if err != nil {
		return nil, err
	}
	if options.Delimiter == 0 {
		options.Delimiter = guessDelimiter(sample)
	}
	p := &profile{scanner: newScanner(text, options.Delimiter), header: !options.NoHeader}
	if options.OnRead != nil {
		p.scanner.onRead = func() { options.OnRead(counted.read) }
	}
	for p.scanner.more() {
		p.row()
	}
	if err := p.scanner.failure(); err != nil {
		return nil, err
	}
	return p.report(counted.read), nil
}

// begin looks at the first bytes of a text, skips a byte order mark and gives
// a sample.
func begin(r *bufio.Reader) (sample []byte, err error) {
	sample, err = r.Peek(sampleSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(sample, mark) {
		sample = sample[len(mark):]
		_, err = r.Discard(len(mark))
		return sample, err
	}
	if bytes.HasPrefix(sample, []byte("\xff\xfe")) || bytes.HasPrefix(sample, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%w but in UTF-16", ErrNotText)
	}
	if bytes.IndexByte(sample, 0) >= 0 {
		return nil, fmt.Errorf("%w: it has NUL bytes", ErrNotText)
	}
	return sample, nil
}

// profile is a report in the making.
type profile struct {
	scanner *scanner
	header  bool

	columns   []*columnStats
	width     int // fields of the first row
	begun     bool
	rows      int64
	ragged    Oddity
	malformed Oddity
}

// row takes one row. A blank line is none.
func (p *profile) row() {
	line := p.scanner.line
	p.scanner.malformed = false
	fields := 0
	for last := false; !last; fields++ {
		var text []byte
		text, last = p.scanner.field()
		if fields == 0 && last && len(text) == 0 && !p.scanner.malformed {
			return
		}
		p.take(fields, text)
	}
	if p.scanner.malformed {
		p.malformed.add(line)
	}
	if !p.begun {
		p.begun, p.width = true, fields
		if p.header {
			return
		}
	}
	p.rows++
	if fields != p.width {
		p.ragged.add(line)
	}
}

// take takes one field of a row.
func (p *profile) take(index int, text []byte) {
	if !p.begun && index < maxColumns {
		name := fmt.Sprintf("column%d", index+1)
		if p.header {
			name = strings.ToValidUTF8(string(text[:min(len(text), maxName)]), "\uFFFD")
		}
		p.columns = append(p.columns, newColumnStats(strings.TrimSpace(name)))
	}
	if (p.begun || !p.header) && index < len(p.columns) {
		p.columns[index].add(text)
	}
}

func (p *profile) report(bytes int64) *Report {
	r := &Report{
		Rows: p.rows, Bytes: bytes, Delimiter: string(p.scanner.delimiter), Header: p.header,
		RaggedRows: p.ragged, MalformedRows: p.malformed, TruncatedFields: p.scanner.truncated,
		ColumnCount: p.width, Columns: make([]Column, len(p.columns)),
	}
	for i, c := range p.columns {
		r.Columns[i] = c.report(i+1, p.rows)
	}
	return r
}

// counter counts what is read.
type counter struct {
	reader io.Reader
	read   int64
}

// Read implements [io.Reader].
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.read += int64(n)
	return n, err
}
