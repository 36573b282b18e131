package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// binaries is the folder that TestMain builds the commands into.
var binaries string

// TestMain is also the server that the services are held against.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "limit" {
		main()
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "asyncreply-bench-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/acceptor", "./cmd/worker", "./cmd/status", "./cmd/emulator", "./cmd/loadtest")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

// runBench runs the command as small as it goes and gives what it prints.
func runBench(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{
		"--bin", binaries, "--operations", "../../deploy/operations.yaml", "--cache", os.Getenv("ASYNCREPLY_CACHE"),
		"--rounds", "1", "--seconds", "0.3", "--burst", "60", "--idle", "3", "--rate", "500",
		"--large", "6", "--queued", "300",
	}, args...)
	var stdout bytes.Buffer
	if err := run(t.Context(), args, os.Environ(), &stdout, t.Output()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", &stdout)
	return stdout.String()
}

var lastLine = regexp.MustCompile(`\nbench: accept=(\S+) p99=(\S+) poll_pending=(\S+) poll_done=(\S+) reads=(\S+) burst=(\S+) idle=(\S+)\n$`)

var ratio = regexp.MustCompile(`^\d+\.\d\d$`)

// TestAllFigures states that every figure is measured, that the last line has
// their ratios, and that the report in JSON has the same.
func TestAllFigures(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	out := runBench(t, "--json", file)
	words := lastLine.FindStringSubmatch(out)
	if words == nil {
		t.Fatalf("the last line is not as programs expect it:\n%s", out)
	}
	saved := readReport(t, file)
	if len(saved.Figures) != len(words)-1 {
		t.Fatalf("the JSON has %d figures", len(saved.Figures))
	}
	for i, word := range words[1:] {
		if value, err := strconv.ParseFloat(word, 64); !ratio.MatchString(word) || err != nil || value <= 0 {
			t.Errorf("ratio %q is not a positive number with two decimals", word)
		}
		f := saved.Figures[i]
		if f.Ours <= 0 || f.LimitMedian <= 0 || len(f.Rounds) != 1 || fmt.Sprintf("%.2f", f.Ratio) != word {
			t.Errorf("in JSON: %+v, in the last line %s", f, word)
		}
	}
	if len(saved.CPU) != 10 {
		t.Errorf("processor time was measured %d times", len(saved.CPU))
	}
	if len(saved.Memory) != 7 {
		t.Errorf("memory was measured %d times", len(saved.Memory))
	}
	for _, u := range saved.Memory {
		if u.Known && u.Goal > 8 && (u.Value <= 0 || u.Value > u.Goal) {
			t.Errorf("%s: %g %s of at most %g", u.What, u.Value, u.Unit, u.Goal)
		}
	}
}

// savedReport is the report in JSON.
type savedReport struct {
	Figures []struct {
		Name                     string
		Ours, LimitMedian, Ratio float64
		Rounds                   []round
	}
	CPU []struct {
		Of, Process  string
		Microseconds *float64
	}
	Memory []usage
}

func readReport(t *testing.T, file string) (r savedReport) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestProfiles states that --profile leaves profiles that go tool pprof can
// read, and that --only measures nothing else.
func TestProfiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := runBench(t, "--only", "idle", "--profile", dir)
	if !strings.Contains(out, "\nbench: idle=") {
		t.Errorf("the last line has more than was asked for:\n%s", out)
	}
	for _, service := range []string{"acceptor", "status", "worker"} {
		for _, kind := range []string{"", "-allocs"} {
			top := exec.Command("go", "tool", "pprof", "-top", filepath.Join(dir, service+"-idle"+kind+".pprof"))
			if out, err := top.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("flat%")) {
				t.Errorf("%s: %v\n%s", strings.Join(top.Args, " "), err, out)
			}
		}
	}
}

// TestGrowth states that --growth prints a table for each thing that grows, with
// a number in every cell, and no last line of ratios.
func TestGrowth(t *testing.T) {
	t.Parallel()
	out := runBench(t, "--growth", "--seconds", "0.1", "--queued", "1000")
	cells := regexp.MustCompile(`(?m)^\| [0-9]+( [KM]B)? \|( [0-9.]+ \|)+$`)
	if rows := cells.FindAllString(out, -1); len(rows) != 4+4+3+3 {
		t.Errorf("%d rows:\n%s", len(rows), out)
	}
	if strings.Contains(out, "bench:") {
		t.Errorf("there are ratios:\n%s", out)
	}
}

// TestWrongFlags states that a wrong flag is told before anything is started.
func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--only", "nothing"}, {"--rounds", "0"}, {"--seconds", "-1"}, {"--idle", "2", "--rounds", "3"}, {"more"}, {"--unknown"},
		{"--growth", "--only", "accept"}, {"--queued", "1"}, {"--large", "0"},
	} {
		if err := run(t.Context(), args, nil, t.Output(), t.Output()); err == nil || !strings.HasPrefix(err.Error(), "flags: ") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestNotMeasured states that a figure that could not be measured is an error
// that names it.
func TestNotMeasured(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"--bin", t.TempDir(), "--only", "poll", "--cache", os.Getenv("ASYNCREPLY_CACHE")}, os.Environ(), t.Output(), t.Output())
	if err == nil || !strings.HasPrefix(err.Error(), "poll could not be measured: ") {
		t.Errorf("got %v", err)
	}
}
