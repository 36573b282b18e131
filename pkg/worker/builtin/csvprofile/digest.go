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
		d.flush()
	}
}

// flush moves the batch into the t-digest, as groups of neighbours that are
// the larger the nearer they are to the middle. Equal values make one group,
// however many they are.
func (d *digest) flush() {
	if d.sketch == nil {
		d.sketch, _ = tdigest.New() // fails with wrong options only
	}
	slices.Sort(d.batch)
	n := float64(len(d.batch))
	for i := 0; i < len(d.batch); {
		q := (float64(i) + 0.5) / n
		size := min(max(1, int(4*n*q*(1-q)/batchPoints)), len(d.batch)-i)
		group := d.batch[i:max(i+size, d.endOfRun(i))]
		_ = d.sketch.AddWeighted(mean(group), uint64(len(group))) // refuses no finite number
		i += len(group)
	}
	d.batch = d.batch[:0]
}

// endOfRun gives the index behind the values that equal the one at i.
func (d *digest) endOfRun(i int) int {
	end := i + 1
	for end < len(d.batch) && d.batch[end] == d.batch[i] {
		end++
	}
	return end
}

// quantile estimates the value below which a share q of all lies. Of less than
// a batch of values it is exact, interpolated between the two nearest.
func (d *digest) quantile(q float64) float64 {
	if d.sketch != nil {
		if len(d.batch) > 0 {
			d.flush()
		}
		return d.sketch.Quantile(q)
	}
	slices.Sort(d.batch)
	rank := q * float64(len(d.batch)-1)
	below := int(rank)
	above := min(below+1, len(d.batch)-1)
	share := rank - float64(below)
	return d.batch[below]*(1-share) + d.batch[above]*share
}

// mean gives the mean of sorted values; of equal ones, that very value.
func mean(sorted []float64) float64 {
	if sorted[0] == sorted[len(sorted)-1] {
		return sorted[0]
	}
	sum := 0.0
	for _, f := range sorted {
		sum += f / float64(len(sorted))
	}
	return sum
}
