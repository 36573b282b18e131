package browser_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

const tsconfig = `{
  "compilerOptions": {
    "strict": true, "noEmit": true, "noUncheckedIndexedAccess": true, "skipLibCheck": false, "types": [],
    "target": "es2022", "lib": ["es2022", "dom", "dom.iterable", "dom.asynciterable"],
    "module": "esnext", "moduleResolution": "bundler",
    "paths": {"asyncreply": ["./asyncreply.d.ts"]}
  },
  "files": ["usage.ts"]
}`

// TestTypes keeps the promise that the TypeScript declarations are right under
// the strictest settings, by a program that uses all of them.
func TestTypes(t *testing.T) {
	t.Parallel()
	folder := browsertest.Workspace(t, "asyncreply.d.ts", "testdata/usage.ts")
	if err := os.WriteFile(filepath.Join(folder, "tsconfig.json"), []byte(tsconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := browsertest.Command(t, folder, nil, "tsc", "-p", "."); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

// TestDeclared keeps the promise that the module has what the declarations
// say, and that they leave out nothing that it has: exports, methods and
// properties.
func TestDeclared(t *testing.T) {
	t.Parallel()
	folder := browsertest.Workspace(t, "testdata/exports.mjs")
	out, err := browsertest.Command(t, folder, []string{"MODULE=" + module(t)}, "node", "exports.mjs")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	declarations, err := os.ReadFile("asyncreply.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	exported := strings.Fields(out)
	if len(exported) < 20 {
		t.Fatalf("the module exports only %v", exported)
	}
	for _, name := range exported {
		class, member, _ := strings.Cut(name, ".")
		_, body, ok := strings.Cut(string(declarations), "export class "+class+" ")
		body, _, _ = strings.Cut(body, "\n}")
		if !ok || member != "" && !strings.Contains(body, " "+member+"(") && !strings.Contains(body, " "+member+"<") &&
			!strings.Contains(body, " "+member+":") && !strings.Contains(body, " "+member+"?:") {
			t.Errorf("%s is not declared", name)
		}
	}
	for class := range declaredClasses(string(declarations)) {
		if !slices.Contains(exported, class) {
			t.Errorf("class %s is declared, but not there", class)
		}
	}
}

func declaredClasses(declarations string) map[string]bool {
	classes := map[string]bool{}
	for line := range strings.Lines(declarations) {
		if rest, ok := strings.CutPrefix(line, "export class "); ok {
			classes[strings.Fields(rest)[0]] = true
		}
	}
	return classes
}
