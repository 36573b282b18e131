package csvprofile

import (
	"bytes"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/axiomhq/hyperloglog"
)

// maxExtreme is how much of the first and last text in order is kept, in bytes.
const maxExtreme = 100

// columnStats gathers what is known of one column. It takes at most about
// 150 KB, whatever is in the column.
type columnStats struct {
	name     string
	counts   [kinds]int64
	layout   string
	distinct *hyperloglog.Sketch

	minInteger, maxInteger int64
	minNumber, maxNumber   float64
	mean, squares          float64 // Welford: running mean, sum of squared differences
	digest                 digest

	minMoment, maxMoment time.Time
	minTime, maxTime     string // as written
	minText, maxText     []byte
	maxLength            int // characters
}

func newColumnStats(name string) *columnStats {
	return &columnStats{name: name, distinct: hyperloglog.New()}
}

// add takes one value.
func (c *columnStats) add(raw []byte) {
	raw = trim(raw)
	v := read(raw, &c.layout)
	c.counts[v.kind]++
	if v.kind == null {
		return
	}
	if v.kind == boolean {
		raw = bytes.ToLower(raw)
	}
	c.distinct.Insert(raw)
	if len(raw) > c.maxLength {
		c.maxLength = max(c.maxLength, utf8.RuneCount(raw))
	}
	switch v.kind {
	case integer:
		c.addInteger(v.integer)
		c.addNumber(v.number)
	case number:
		c.addNumber(v.number)
	case date, timestamp:
		c.addTime(v.moment, raw)
	case text:
		c.addText(raw)
	}
}

// trim takes blanks off both ends.
func trim(raw []byte) []byte {
	for len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
		raw = raw[1:]
	}
	for len(raw) > 0 && (raw[len(raw)-1] == ' ' || raw[len(raw)-1] == '\t') {
		raw = raw[:len(raw)-1]
	}
	return raw
}

func (c *columnStats) addInteger(n int64) {
	if c.counts[integer] == 1 {
		c.minInteger, c.maxInteger = n, n
	}
	c.minInteger, c.maxInteger = min(c.minInteger, n), max(c.maxInteger, n)
}

func (c *columnStats) addNumber(f float64) {
	n := c.counts[integer] + c.counts[number]
	if n == 1 {
		c.minNumber, c.maxNumber = f, f
	}
	c.minNumber, c.maxNumber = min(c.minNumber, f), max(c.maxNumber, f)
	difference := f - c.mean
	c.mean += difference / float64(n)
	c.squares += difference * (f - c.mean)
	c.digest.add(f)
}

func (c *columnStats) addTime(moment time.Time, raw []byte) {
	first := c.counts[date]+c.counts[timestamp] == 1
	if first || moment.Before(c.minMoment) {
		c.minMoment, c.minTime = moment, string(raw)
	}
	if first || moment.After(c.maxMoment) {
		c.maxMoment, c.maxTime = moment, string(raw)
	}
}

func (c *columnStats) addText(raw []byte) {
	raw = raw[:min(len(raw), maxExtreme)]
	first := c.counts[text] == 1
	if first || string(raw) < string(c.minText) {
		c.minText = append(c.minText[:0], raw...)
	}
	if first || string(raw) > string(c.maxText) {
		c.maxText = append(c.maxText[:0], raw...)
	}
}

// kind gives the type of the whole column in the words of a report.
func (c *columnStats) kind() string {
	n := c.counts
	numbers, times, values := n[integer]+n[number], n[date]+n[timestamp], c.values()
	switch values {
	case 0:
		return "empty"
	case n[integer], n[boolean], n[date], n[text]:
		for _, k := range []kind{integer, boolean, date, text} {
			if n[k] == values {
				return kindNames[k]
			}
		}
	case numbers:
		return kindNames[number]
	case times:
		return kindNames[timestamp]
	}
	return "mixed"
}

// values counts what is not null.
func (c *columnStats) values() int64 {
	var sum int64
	for k := null + 1; k < kinds; k++ {
		sum += c.counts[k]
	}
	return sum
}

// report describes the column; rows is how many the file has.
func (c *columnStats) report(index int, rows int64) Column {
	r := Column{
		Index: index, Name: c.name, Type: c.kind(),
		Count: c.values(), Nulls: rows - c.values(), MaxLength: c.maxLength,
	}
	if r.Count > 0 {
		r.Distinct = min(int64(c.distinct.Estimate()), r.Count)
	}
	switch r.Type {
	case "integer":
		r.Min, r.Max = c.minInteger, c.maxInteger
		c.describe(&r)
	case "number":
		r.Min, r.Max = c.minNumber, c.maxNumber
		c.describe(&r)
	case "date", "timestamp":
		r.Min, r.Max = c.minTime, c.maxTime
	case "string":
		r.Min, r.Max = readable(c.minText), readable(c.maxText)
	case "mixed":
		r.Types = map[string]int64{}
		for k := null + 1; k < kinds; k++ {
			if c.counts[k] > 0 {
				r.Types[kindNames[k]] = c.counts[k]
			}
		}
	}
	return r
}

// readable gives the beginning of a text as valid UTF-8.
func readable(raw []byte) string {
	for cut := len(raw); len(raw) == maxExtreme && cut > 0 && cut > len(raw)-utf8.UTFMax; cut-- {
		if utf8.RuneStart(raw[cut-1]) {
			if !utf8.FullRune(raw[cut-1:]) {
				raw = raw[:cut-1]
			}
			break
		}
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

// describe adds mean, deviation and quantiles. Values so large that these
// overflow leave them out.
func (c *columnStats) describe(r *Column) {
	n := float64(c.counts[integer] + c.counts[number])
	r.Mean = finite(c.mean)
	if n > 1 {
		r.StdDev = finite(math.Sqrt(c.squares / (n - 1)))
	}
	var q [7]float64
	for i, share := range []float64{.01, .05, .25, .5, .75, .95, .99} {
		q[i] = min(max(c.digest.quantile(share), c.minNumber), c.maxNumber)
		if finite(q[i]) == nil {
			return
		}
	}
	r.Quantiles = &Quantiles{P1: q[0], P5: q[1], P25: q[2], P50: q[3], P75: q[4], P95: q[5], P99: q[6]}
}

func finite(f float64) *float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	return &f
}
