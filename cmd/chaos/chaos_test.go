package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/build"
)

// binaries is the folder that TestMain builds the services into.
var binaries string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "asyncreply-chaos-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	err = build.Services(context.Background(), dir, &build.Options{Source: filepath.Join("..", ".."), Race: raceDetector})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = dir
	return m.Run()
}

var lastLine = regexp.MustCompile(`(?m)^chaos: accepted=(\d+) lost=(\d+) doubled=(\d+) wrong=(\d+) seed=(\d+)\n\z`)

// outcome is what the last line says.
type outcome struct{ accepted, lost, doubled, wrong, seed int }

// chaos runs the command and reads its last line.
func chaos(t *testing.T, args ...string) (outcome, error) {
	t.Helper()
	log := filepath.Join(t.ArtifactDir(), "services.log") // kept by go test -artifacts
	args = append([]string{"--bin", binaries, "--log", log, "--cache", os.Getenv("ASYNCREPLY_CACHE")}, args...)
	var stdout bytes.Buffer
	err := run(t.Context(), args, os.Environ(), &stdout, t.Output())
	t.Logf("%s", &stdout)
	m := lastLine.FindStringSubmatch(stdout.String())
	if m == nil {
		t.Fatalf("no last line for programs; the run ended with: %v", err)
	}
	var n [5]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	return outcome{n[0], n[1], n[2], n[3], n[4]}, err
}

// TestAcceptedIsAPromise runs the real services under load and seeded faults:
// whatever dies, every 202 comes to exactly one true end. At the same time it
// proves the proof: workers that break the promises on purpose are reported,
// and the command fails.
func TestAcceptedIsAPromise(t *testing.T) {
	brief := []string{"--seed", "5", "--jobs", "100", "--load", "8s", "--settle", "6s", "--trials", "0"}
	var runs sync.WaitGroup
	defer runs.Wait()
	for name, test := range map[string]struct {
		args []string
		err  error
		good func(outcome) bool
	}{
		"workers as they are": {
			[]string{"--seed", "7", "--jobs", "120", "--load", "12s", "--trials", "3", "--tolerate-late"},
			nil, func(o outcome) bool { return o.accepted > 40 && o.lost+o.doubled+o.wrong == 0 && o.seed == 7 },
		},
		"workers that complete before they write lose jobs": {
			append(slices.Clone(brief), "--only", "kill worker", "--broken", "completes-first"),
			errBroken, func(o outcome) bool { return o.lost > 0 },
		},
		"workers that overwrite the winner give two answers": {
			append(slices.Clone(brief), "--only", "freeze worker|locks", "--broken", "overwrites"),
			errBroken, func(o outcome) bool { return o.wrong > 0 && o.doubled > 0 },
		},
	} {
		runs.Go(func() {
			t.Run(name, func(t *testing.T) {
				got, err := chaos(t, test.args...)
				if !errors.Is(err, test.err) {
					t.Errorf("the run ended with %v, want %v", err, test.err)
				}
				if !test.good(got) {
					t.Errorf("found %+v", got)
				}
			})
		})
	}
}

// TestWrongFlags are told before anything is started.
func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--jobs", "0"}, {"--deliveries", "-1"}, {"--load", "0s"}, {"--settle", "-1s"}, {"--workers", "0"}, {"--only", "("}, {"--trials", "-1"}, {"--skew", "-1s"}, {"more"}, {"--what"},
	} {
		if err := run(t.Context(), args, nil, t.Output(), t.Output()); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
