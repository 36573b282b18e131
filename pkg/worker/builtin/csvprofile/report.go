package csvprofile

// Report describes a CSV file. Its JSON has the fields in this order.
type Report struct {
	Rows      int64  `json:"rows"`  // without header and blank lines
	Bytes     int64  `json:"bytes"` // of the file
	Delimiter string `json:"delimiter"`
	Header    bool   `json:"header"` // whether the first row gave the names

	// RaggedRows have more or fewer fields than the first row. A missing field
	// counts as null, one too many counts nowhere.
	RaggedRows Oddity `json:"raggedRows"`
	// MalformedRows have a quote out of place, or one that is never closed.
	MalformedRows Oddity `json:"malformedRows"`
	// TruncatedFields are longer than 64 KiB and were looked at so far.
	TruncatedFields int64 `json:"truncatedFields,omitempty"`

	ColumnCount int      `json:"columnCount"`
	Columns     []Column `json:"columns"` // the first 1,000
}

// Oddity counts rows that are not as they should be and says where the first
// of them begin.
type Oddity struct {
	Count int64   `json:"count"`
	Lines []int64 `json:"lines,omitempty"` // the first ten; the first line of a file is 1
}

const maxLines = 10

func (o *Oddity) add(line int64) {
	o.Count++
	if len(o.Lines) < maxLines {
		o.Lines = append(o.Lines, line)
	}
}

// Column describes one column.
type Column struct {
	Index int    `json:"index"` // from 1
	Name  string `json:"name"`
	// Type is integer, number, boolean, date, timestamp, string, mixed where
	// these do not go together, or empty.
	Type     string           `json:"type"`
	Types    map[string]int64 `json:"types,omitempty"` // what is mixed
	Count    int64            `json:"count"`           // values that are not null
	Nulls    int64            `json:"nulls"`           // empty, NULL, NaN, \N, or missing
	Distinct int64            `json:"distinct"`        // an estimate

	// Min and Max are numbers, dates as they are written, or the first and last
	// text in the order of bytes, of which they hold the first 100.
	Min any `json:"min,omitempty"`
	Max any `json:"max,omitempty"`

	Mean      *float64   `json:"mean,omitempty"`
	StdDev    *float64   `json:"stddev,omitempty"` // of a sample
	Quantiles *Quantiles `json:"quantiles,omitempty"`
	MaxLength int        `json:"maxLength"` // of a value, in characters
}

// Quantiles are estimates of the values below which a share of all values
// lies, in percent.
type Quantiles struct {
	P1  float64 `json:"p1"`
	P5  float64 `json:"p5"`
	P25 float64 `json:"p25"`
	P50 float64 `json:"p50"`
	P75 float64 `json:"p75"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}
