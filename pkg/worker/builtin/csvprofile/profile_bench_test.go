package csvprofile_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/worker/builtin/csvprofile"
)

// orders makes a CSV of about the given size with a column of every type.
func orders(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	b.WriteString("id,customer,amount,quantity,paid,ordered,shipped,note\n")
	for i := 0; b.Len() < size; i++ {
		at := start.Add(time.Duration(i) * time.Second)
		fmt.Fprintf(&b, "%d,\"Customer, %d\",%.2f,%d,%t,%s,%s,some words about it %d\n", i, random.IntN(5000),
			random.ExpFloat64()*100, random.IntN(20), i%3 == 0, at.Format(time.DateOnly), at.Format(time.RFC3339), random.IntN(100))
	}
	return b.Bytes()
}

func BenchmarkProfile(b *testing.B) {
	text := orders(16 << 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := csvprofile.Profile(bytes.NewReader(text), csvprofile.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
