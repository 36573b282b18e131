package deploy_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// shared is a folder for what tests share; it is removed when they have ended.
var shared string

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "deploy-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	shared = dir
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// programs are what the image holds.
var programs = []string{"acceptor", "redrive", "status", "worker"}

// version is what the programs are built as.
const version = "v1.2.3-test"

// buildContext copies what the Docker build gets to see, as .dockerignore says.
var buildContext = sync.OnceValues(func() (string, error) {
	to := filepath.Join(shared, "context")
	for _, path := range []string{"go.mod", "go.sum", "azurite", "cmd", "pkg", "deploy/operations.yaml"} {
		if err := copyAll(filepath.Join("..", path), filepath.Join(to, path)); err != nil {
			return "", err
		}
	}
	return to, nil
})

func copyAll(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() != "node_modules" && entry.Name() != "testdata" {
			return err
		}
		if entry.IsDir() {
			return filepath.SkipDir
		}
		content, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, "_test.go") {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}

// compile runs the Dockerfile's build of the programs in a copy of its context.
func compile(t *testing.T, in, out string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^RUN (.* go build .*)$`).FindStringSubmatch(read(t, "../Dockerfile"))
	if line == nil || !strings.Contains(line[1], "-o /out/ ") {
		t.Fatal("the Dockerfile has no line RUN … go build … -o /out/ …")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line[1], "-o /out/ ", "-o '"+out+"/' ", 1))
	cmd.Dir = in
	cmd.Env = append(os.Environ(), "VERSION="+version, "GOFLAGS=", "GOOS=linux", "PWD="+in)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line[1], err, text)
	}
}

var built sync.Once

// build gives the folder with the programs, built as the image has them.
func build(t *testing.T) string {
	t.Helper()
	in, err := buildContext()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(shared, "out")
	built.Do(func() { compile(t, in, out) })
	if _, err := os.Stat(out); err != nil {
		t.Fatal("the programs were not built, as another test has told")
	}
	return out
}

// TestDockerfile states that the image holds the programs and the operations
// file and nothing that a shell needs, that it runs as somebody without
// rights, and that the command picks the program.
func TestDockerfile(t *testing.T) {
	text := read(t, "../Dockerfile")
	for _, want := range []string{
		"\nFROM gcr.io/distroless/static-debian12:nonroot\n", "\nUSER 65532:65532\n", "\nCMD [\"acceptor\"]\n",
		"\nCOPY --from=build /out/ /usr/local/bin/\n", "\nCOPY deploy/operations.yaml /etc/asyncreply/operations.yaml\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile has no line %q", strings.TrimSpace(want))
		}
	}
	if strings.Contains(text, "ENTRYPOINT") {
		t.Error("with an ENTRYPOINT, the command does not pick the program")
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(text, "\nFROM golang:"+goVersion+"-") {
		t.Errorf("the programs are not built with Go %s", goVersion)
	}
	found, err := fs.Glob(os.DirFS(build(t)), "*")
	if err != nil || !slices.Equal(found, programs) {
		t.Errorf("the image holds %v, %v", found, err)
	}
}

// TestDockerignore states that the Docker build sees what it needs and no more,
// which is what the tests here build from.
func TestDockerignore(t *testing.T) {
	var lines []string
	for line := range strings.Lines(read(t, "../.dockerignore")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	want := []string{
		"*", "!go.mod", "!go.sum", "!azurite", "!cmd", "!pkg", "!deploy/operations.yaml",
		"**/*_test.go", "**/testdata", "**/node_modules",
	}
	if !slices.Equal(lines, want) {
		t.Errorf(".dockerignore has %v, want %v", lines, want)
	}
}

// TestReproducible states that the same source gives the same programs, byte
// for byte, wherever it lies.
func TestReproducible(t *testing.T) {
	first := build(t)
	in, err := buildContext()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, second := filepath.Join(t.TempDir(), "some", "other", "place"), t.TempDir()
	if err := copyAll(in, elsewhere); err != nil {
		t.Fatal(err)
	}
	compile(t, elsewhere, second)
	for _, program := range programs {
		if read(t, filepath.Join(first, program)) != read(t, filepath.Join(second, program)) {
			t.Errorf("%s built twice is not the same", program)
		}
	}
}
