package browsertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingChromium states that where there is no Chromium and none can be
// installed, that is told in one line which says what to install; never is a
// test skipped.
func TestMissingChromium(t *testing.T) {
	t.Setenv(chromiumVariable, "")
	t.Setenv("PATH", t.TempDir())
	path, err := locate()
	if err == nil || !strings.Contains(err.Error(), "apt-get install chromium") || strings.Contains(err.Error(), "\n") {
		t.Errorf("locate = %q, %v", path, err)
	}
}

// TestChromiumIsFound states that the variable comes before the PATH.
func TestChromiumIsFound(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "chromium"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(chromiumVariable, "")
	t.Setenv("PATH", folder)
	if path, err := locate(); path != filepath.Join(folder, "chromium") || err != nil {
		t.Errorf("locate = %q, %v", path, err)
	}
	t.Setenv(chromiumVariable, "/opt/browser")
	if path, err := locate(); path != "/opt/browser" || err != nil {
		t.Errorf("locate = %q, %v", path, err)
	}
}
