package csvprofile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncreply/asyncreply/pkg/worker/builtin/csvprofile"
)

var update = flag.Bool("update", false, "write the golden files anew")

func profile(t *testing.T, text string, options csvprofile.Options) *csvprofile.Report {
	t.Helper()
	report, err := csvprofile.Profile(strings.NewReader(text), options)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Each file of testdata has the profile that lies beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.MarshalIndent(profile(t, string(text), csvprofile.Options{}), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".csv") + ".json"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// The type of a column is what all its values are.
func TestTypes(t *testing.T) {
	tests := []struct {
		want   string
		values []string
	}{
		{"integer", []string{"1", "-2", "+3", "0", "123456789012345678"}},
		{"number", []string{"1", "2.5"}},
		{"number", []string{"-.5", "1e3", "1E-3", "0.1", "0e1", "+0.5"}},
		{"number", []string{"1234567890123456789"}},
		{"string", []string{"01234"}}, // a code
		{"string", []string{"1,5"}},
		{"string", []string{"1.2.3", "-", "+", ".", "1e", "0x10", "1_000", "Infinity", "1e999"}},
		{"boolean", []string{"true", "FALSE", "True"}},
		{"date", []string{"2026-02-28", "2024-02-29"}},
		{"string", []string{"2026-02-29", "2026-13-01", "2026-1-1"}},
		{"timestamp", []string{"2026-02-28T10:00:00Z", "2026-02-28T10:00:00.123+02:00", "2026-02-28 10:00:00", "2026-02-28 10:00"}},
		{"timestamp", []string{"2026-02-28", "2026-02-28T10:00"}},
		{"string", []string{"2026-02-28X10:00", "2026-02-28T25:00:00Z"}},
		{"empty", []string{"", "NULL", "null", "NaN", `\N`, "  "}},
		{"integer", []string{"1", "", "NULL"}},
		{"mixed", []string{"1", "one"}},
		{"mixed", []string{"true", "1"}},
		{"mixed", []string{"2026-02-28", "1"}},
	}
	for _, test := range tests {
		text := "x,value\n"
		for _, v := range test.values {
			text += `.,"` + v + "\"\n"
		}
		if got := profile(t, text, csvprofile.Options{}).Columns[1]; got.Type != test.want {
			t.Errorf("%q: %s %v, want %s", test.values, got.Type, got.Types, test.want)
		}
	}
}

// Fields are split as RFC 4180 says, and leniently where a file does not
// keep to it; shown by the names that a header has.
func TestFields(t *testing.T) {
	tests := []struct {
		text      string
		want      []string
		malformed int64
	}{
		{"a,b,c\n", []string{"a", "b", "c"}, 0},
		{"a,b,c", []string{"a", "b", "c"}, 0},
		{"a,b,c\r\n", []string{"a", "b", "c"}, 0},
		{"\xef\xbb\xbfa,b\n", []string{"a", "b"}, 0},
		{"\xef\xbb\xbf\"a\",b\n", []string{"a", "b"}, 0},
		{"\n\r\na,b\n", []string{"a", "b"}, 0},
		{"a,,\n", []string{"a", "", ""}, 0},
		{",\n", []string{"", ""}, 0},
		{`"a","b,c","d"` + "\n", []string{"a", "b,c", "d"}, 0},
		{`"a","b,c","d"` + "\r\n", []string{"a", "b,c", "d"}, 0},
		{`"a","b"`, []string{"a", "b"}, 0},
		{"\"a\nb\",c\n", []string{"a\nb", "c"}, 0},
		{`"say ""hi""",b` + "\n", []string{`say "hi"`, "b"}, 0},
		{`"""",b` + "\n", []string{`"`, "b"}, 0},
		{`a"b,c` + "\n", []string{`a"b`, "c"}, 0},
		{`"a"b,c` + "\n", []string{"ab", "c"}, 1},
		{`"a,b` + "\n", []string{"a,b"}, 1},
		{"caf\xe9,b\n", []string{"caf\uFFFD", "b"}, 0},
	}
	for _, test := range tests {
		report := profile(t, test.text, csvprofile.Options{Delimiter: ','})
		var got []string
		for _, c := range report.Columns {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, test.want) || report.MalformedRows.Count != test.malformed || report.Rows != 0 {
			t.Errorf("%q: %q, %d malformed, %d rows", test.text, got, report.MalformedRows.Count, report.Rows)
		}
	}
}

// The delimiter is the one under which rows agree.
func TestDelimiter(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n1,2\n": ",", "a;b\n1,5;2,5\n": ";", "a\tb\n1\t2": "\t", "a|b\n1|2\n": "|", "a\n1\n": ",", "": ",",
		"name;note\nx;a, b, c\ny;d\n": ";", "\"a;b\",c\n\"d;e;f\",g\n": ",", "a;b;c": ";", "a,b\n\n\n1,2\n": ",",
	} {
		if got := profile(t, text, csvprofile.Options{}).Delimiter; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := profile(t, "a,b\n1,2\n", csvprofile.Options{Delimiter: ';'}); got.Delimiter != ";" || got.ColumnCount != 1 {
		t.Errorf("a given delimiter was not taken: %+v", got)
	}
}

// Rows of another length are counted, with the lines of the first, and missing
// fields are nulls.
func TestRaggedRows(t *testing.T) {
	report := profile(t, "a,b\n1,2\n1\n\"x\ny\",2\n1,2,3\n", csvprofile.Options{})
	want := csvprofile.Oddity{Count: 2, Lines: []int64{3, 6}}
	if diff := cmp.Diff(want, report.RaggedRows); diff != "" || report.Rows != 4 || report.ColumnCount != 2 {
		t.Errorf("%s %+v", diff, report)
	}
	if b := report.Columns[1]; b.Count != 3 || b.Nulls != 1 {
		t.Errorf("%+v", b)
	}
	many := profile(t, "a,b\n"+strings.Repeat("1\n", 100), csvprofile.Options{})
	if many.RaggedRows.Count != 100 || len(many.RaggedRows.Lines) != 10 {
		t.Errorf("%+v", many.RaggedRows)
	}
}

// Without a header every row is data and columns have numbers for names.
func TestNoHeader(t *testing.T) {
	report := profile(t, "1,x\n2,y\n", csvprofile.Options{NoHeader: true})
	if report.Rows != 2 || report.Header || report.Columns[1].Name != "column2" || report.Columns[0].Max != int64(2) {
		t.Errorf("%+v", report)
	}
}

// Statistics agree with what is computed exactly, within what the estimates
// promise.
func TestStatistics(t *testing.T) {
	const n = 200_000
	random := rand.New(rand.NewPCG(3, 4))
	values, text := make([]float64, n), bytes.NewBufferString("v,id\n")
	sum := 0.0
	for i := range values {
		values[i] = math.Round(random.NormFloat64()*1e4) / 100
		sum += values[i]
		fmt.Fprintf(text, "%g,%d\n", values[i], i)
	}
	mean, squares := sum/n, 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	slices.Sort(values)
	report := profile(t, text.String(), csvprofile.Options{})
	v, id := report.Columns[0], report.Columns[1]
	close := func(name string, got, want, tolerance float64) {
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s is %g, want %g ± %g", name, got, want, tolerance)
		}
	}
	close("mean", *v.Mean, mean, 1e-6)
	close("stddev", *v.StdDev, math.Sqrt(squares/(n-1)), 1e-6)
	close("min", v.Min.(float64), values[0], 0)
	close("max", v.Max.(float64), values[n-1], 0)
	for q, got := range map[float64]float64{.01: v.Quantiles.P1, .05: v.Quantiles.P5, .25: v.Quantiles.P25,
		.5: v.Quantiles.P50, .75: v.Quantiles.P75, .95: v.Quantiles.P95, .99: v.Quantiles.P99} {
		rank, _ := slices.BinarySearch(values, got)
		close(fmt.Sprintf("rank of quantile %g", q), float64(rank)/n, q, 0.005)
	}
	close("distinct", float64(id.Distinct), n, n*.03)
	if id.Min != int64(0) || id.Max != int64(n-1) {
		t.Errorf("extremes %v, %v", id.Min, id.Max)
	}
}

// Of few values the quantiles are those values.
func TestFewValues(t *testing.T) {
	q := profile(t, "a\n3\n1\n2\n", csvprofile.Options{}).Columns[0].Quantiles
	if q.P1 < 1 || q.P50 != 2 || q.P99 > 3 {
		t.Errorf("%+v", q)
	}
	one := profile(t, "a\n5\n", csvprofile.Options{}).Columns[0]
	if one.StdDev != nil || one.Quantiles.P1 != 5 || one.Quantiles.P99 != 5 || one.Distinct != 1 {
		t.Errorf("%+v", one)
	}
}

// Many rows with few values keep their quantiles.
func TestRepeatedValues(t *testing.T) {
	text := bytes.NewBufferString("a\n")
	for i := range 100_000 {
		fmt.Fprintf(text, "%d\n", i*7%10)
	}
	column := profile(t, text.String(), csvprofile.Options{}).Columns[0]
	q := column.Quantiles
	if q.P1 != 0 || q.P25 < 2 || q.P25 > 3 || q.P50 < 4 || q.P50 > 5 || q.P75 < 7 || q.P75 > 8 || q.P99 < 8.99 || column.Distinct != 10 {
		t.Errorf("%+v, %d distinct", q, column.Distinct)
	}
}

// Numbers whose statistics overflow leave them out, for JSON has no infinity.
func TestOverflow(t *testing.T) {
	for _, n := range []int{1, 5000} {
		report := profile(t, "a\n"+strings.Repeat("1.7e308\n-1.7e308\n1.6e308\n", n), csvprofile.Options{})
		if _, err := json.Marshal(report); err != nil || report.Columns[0].Max != 1.7e308 {
			t.Errorf("%v, %v", err, report.Columns[0].Max)
		}
	}
}

// A value in the middle of a character is not cut apart.
func TestExtremesAreWholeCharacters(t *testing.T) {
	for _, text := range []string{strings.Repeat("é", 90), "x" + strings.Repeat("é", 90), strings.Repeat("𝄞", 40)} {
		column := profile(t, "a\n"+text+"\n", csvprofile.Options{}).Columns[0]
		if got := column.Max.(string); !strings.HasPrefix(text, got) || len(got) < 97 || column.MaxLength != len([]rune(text)) {
			t.Errorf("%d bytes %q, length %d", len(got), got, column.MaxLength)
		}
	}
}

// What is no UTF-8 text is said to be so.
func TestNotText(t *testing.T) {
	for _, text := range []string{"\xff\xfea\x00,\x00", "\xfe\xff\x00a", "PK\x03\x04\x00\x00"} {
		if _, err := csvprofile.Profile(strings.NewReader(text), csvprofile.Options{}); !errors.Is(err, csvprofile.ErrNotText) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Any bytes give a report that is valid JSON and adds up.
func FuzzProfile(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n\"x\"\"y\",\n"))
	f.Add([]byte("\xef\xbb\xbfa;b\r\n1;2026-01-01T00:00:00Z\r\n"))
	f.Add([]byte("\"open\n1,2"))
	f.Add([]byte("a\n1e308\n-1e308\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := csvprofile.Profile(bytes.NewReader(text), csvprofile.Options{})
		if err != nil {
			if !errors.Is(err, csvprofile.ErrNotText) {
				t.Error(err)
			}
			return
		}
		if _, err := json.Marshal(report); err != nil {
			t.Error(err)
		}
		for _, c := range report.Columns {
			if c.Count+c.Nulls != report.Rows || c.Distinct > c.Count || c.Nulls < 0 {
				t.Errorf("%d rows: %+v", report.Rows, c)
			}
		}
	})
}
