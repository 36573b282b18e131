package iso8601

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration // -1: an error
	}{
		{"PT1M", time.Minute},
		{"P14D", 14 * day},
		{"PT5S", 5 * time.Second},
		{"P1DT2H3M4.5S", day + 2*time.Hour + 3*time.Minute + 4500*time.Millisecond},
		{"P1Y2M3W", (365 + 60 + 21) * day},
		{"PT0S", 0},
		{"PT0.0000000019S", 1},
		{"P10675199DT2H48M5.4775807S", Unlimited},
		{"P99999999999999999999999999D", Unlimited},
		{"P200YT999999999999H", Unlimited},
		{"PT9223372036.854775807S", Unlimited},
		{"PT9223372036.854775808S", Unlimited},
		{"", -1},
		{"P", -1},
		{"PT", -1},
		{"P1DT", -1},
		{"-PT1M", -1},
		{"PT-1M", -1},
		{"PT1", -1},
		{"1m", -1},
		{"PT.5S", -1},
		{"PT1S ", -1},
		{"PT1S1M", -1},
		{"pt1m", -1},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
			t.Errorf("%q: got %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := map[time.Duration]string{
		0:                                 "PT0S",
		time.Minute:                       "PT1M",
		90 * time.Second:                  "PT1M30S",
		14 * day:                          "P14D",
		day + time.Hour + time.Nanosecond: "P1DT1H0.000000001S",
		1500 * time.Millisecond:           "PT1.5S",
		Unlimited:                         "P10675199DT2H48M5.4775807S",
	}
	for in, want := range tests {
		if got := Format(in); got != want {
			t.Errorf("%v: got %s, want %s", in, got, want)
		}
	}
}

// What Format writes Parse reads.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Min(0).Draw(t, "duration"))
		if got, err := Parse(Format(want)); err != nil || got != want {
			t.Fatalf("%s: got %v, %v; want %v", Format(want), got, err, want)
		}
	})
}

// No text makes Parse panic or give a negative duration.
func FuzzParse(f *testing.F) {
	f.Add("P1Y2M3W4DT5H6M7.8S")
	f.Add("P10675199DT2H48M5.4775807S")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := Parse(s); err == nil && d < 0 {
			t.Fatalf("%q: %v", s, d)
		}
	})
}
