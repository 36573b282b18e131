package csvprofile

import (
	"slices"

	"github.com/caio/go-tdigest/v4"
)

const (
	batchSize = 2048 // values sorted before they go into the t-digest
	// batchPoints is about how many points of a batch go in at least; as in the
	// t-digest itself, points near the ends are single values.
	batchPoints = 200
)

// digest estimates quantiles. It is a t-digest with a sorted batch in front,
// which is several times faster than adding value by value.
type digest struct {
	sketch *tdigest.TDigest // nil until the first batch is full
	batch  []float64
}

func (d *digest) add(f float64) {
	if d.batch = append(d.batch, f); len(d.batch) == batchSize {
		d.flush(batchPoints)
	}
}

// flush moves the batch into the t-digest, as groups of neighbours that are
// the larger the nearer they are to the middle.
func (d *digest) flush(points float64) {
	if d.sketch == nil {
		d.sketch, _ = tdigest.New() // fails with wrong options only
	}
	slices.Sort(d.batch)
	n := float64(len(d.batch))
	for i := 0; i < len(d.batch); {
		q := (float64(i) + 0.5) / n
		size := min(max(1, int(4*n*q*(1-q)/points)), len(d.batch)-i)
		mean := 0.0
		for _, f := range d.batch[i : i+size] {
			mean += f / float64(size)
		}
		_ = d.sketch.AddWeighted(mean, uint64(size)) // refuses no finite number
		i += size
	}
	d.batch = d.batch[:0]
}

// quantile estimates the value below which a share q of all lies. If few
// values came, each counts on its own.
func (d *digest) quantile(q float64) float64 {
	switch {
	case d.sketch == nil:
		d.flush(batchSize)
	case len(d.batch) > 0:
		d.flush(batchPoints)
	}
	return d.sketch.Quantile(q)
}
