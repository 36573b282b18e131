package csvprofile

import "bytes"

const (
	sampleSize = 64 << 10 // bytes that the delimiter is guessed from
	sampleRows = 200
)

// Delimiters that are recognised.
const delimiters = ",;\t|"

// guessDelimiter gives the delimiter under which most rows of the sample have
// the same number of fields, two or more; between equals, the one that gives
// more fields. Text in a single column gives the comma.
func guessDelimiter(sample []byte) byte {
	best, bestShare, bestFields := byte(','), 0.0, 1
	for _, candidate := range []byte(delimiters) {
		share, fields := consistency(sample, candidate)
		if fields < 2 {
			continue
		}
		if share > bestShare || share == bestShare && fields > bestFields {
			best, bestShare, bestFields = candidate, share, fields
		}
	}
	return best
}

// consistency gives the commonest number of fields in a row and the share of
// rows that have it. A last row that the sample may have cut is left out,
// unless it is the only one.
func consistency(sample []byte, delimiter byte) (share float64, fields int) {
	s := newScanner(bytes.NewReader(sample), delimiter)
	counts, rows := map[int]int{}, 0
	for rows < sampleRows && s.more() {
		n, empty := 0, false
		for last := false; !last; n++ {
			var text []byte
			text, last = s.field()
			empty = n == 0 && last && len(text) == 0
		}
		cut := !s.more() && !bytes.HasSuffix(sample, []byte("\n"))
		if empty || cut && rows > 0 {
			continue
		}
		counts[n]++
		rows++
	}
	for n, count := range counts {
		if count > counts[fields] || count == counts[fields] && n > fields {
			fields = n
		}
	}
	if rows == 0 {
		return 0, 0
	}
	return float64(counts[fields]) / float64(rows), fields
}
