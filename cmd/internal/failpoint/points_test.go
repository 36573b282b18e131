//go:build failpoints

package failpoint_test

import (
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/failpoint"
)

// TestPointsHappenOnce at the time that was asked for, and nowhere else.
func TestPointsHappenOnce(t *testing.T) {
	p, err := failpoint.Parse("a.point=delay(50ms)@3")
	if err != nil {
		t.Fatal(err)
	}
	for i, slow := range []bool{false, false, true, false} {
		p.At("another.point")
		began := time.Now()
		p.At("a.point")
		if got := time.Since(began) >= 50*time.Millisecond; got != slow {
			t.Errorf("time %d: slow is %v", i+1, got)
		}
	}
}

// TestWrongPoints are told at the start.
func TestWrongPoints(t *testing.T) {
	for _, text := range []string{"a", "a=kill", "a=kill@0", "a=kill@x", "a=stop@1", "a=delay(x)@1", "a=die@1", "A=kill@1"} {
		if _, err := failpoint.Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if p, err := failpoint.Parse(""); err != nil {
		t.Error(err)
	} else {
		p.At("nothing is armed")
	}
}
