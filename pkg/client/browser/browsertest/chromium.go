package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	// chromiumVariable names the browser to use instead of the one on the PATH.
	chromiumVariable = "ASYNCREPLY_CHROMIUM"

	installTimeout = 5 * time.Minute
	closeTimeout   = 10 * time.Second
)

// Browser is a Chromium with a profile of its own, without a window.
type Browser struct {
	ctx context.Context
}

// Open starts a browser, which is closed with its test.
func Open(tb testing.TB) *Browser {
	tb.Helper()
	path, err := chromium()
	if err != nil {
		tb.Fatal(err)
	}
	flags := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	flags = append(flags,
		chromedp.ExecPath(path),
		chromedp.UserDataDir(tb.TempDir()),
		chromedp.WindowSize(1280, 900),
		chromedp.DisableGPU,
		chromedp.NoSandbox, // which root cannot have
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, closeBrowser := chromedp.NewContext(allocator, chromedp.WithErrorf(tb.Logf))
	tb.Cleanup(func() {
		end, stop := context.WithTimeout(ctx, closeTimeout)
		defer stop()
		_ = chromedp.Cancel(end) // an orderly end, so that the profile can be removed
		closeBrowser()
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("start Chromium: %v", err)
	}
	return &Browser{ctx: ctx}
}

// Private gives the same browser with a storage of its own, as in a private
// window, which is forgotten with the test.
func (b *Browser) Private(tb testing.TB) *Browser {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	tb.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("open a private window: %v", err)
	}
	return &Browser{ctx: ctx}
}

var installation struct {
	once sync.Once
	path string
	err  error
}

// chromium finds a Chromium, or installs Debian's, once for a test binary.
func chromium() (string, error) {
	installation.once.Do(func() { installation.path, installation.err = locate() })
	return installation.path, installation.err
}

// locate gives the path of a Chromium, or an error of one line that says what
// to install.
func locate() (string, error) {
	path := findChromium()
	if path != "" {
		return path, nil
	}
	err := installChromium()
	if path = findChromium(); path != "" {
		return path, nil
	}
	return "", fmt.Errorf("no Chromium found: install it (Debian: apt-get install chromium) or set %s to its path%s",
		chromiumVariable, reason(err))
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return ": " + strings.Join(strings.Fields(err.Error()), " ")
}

func findChromium() string {
	if path := os.Getenv(chromiumVariable); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// installChromium does nothing where it may not, or where there is no apt-get.
func installChromium() error {
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Getuid() != 0 {
		return nil
	}
	unlock, err := lock("chromium.lock")
	if err != nil {
		return err
	}
	defer unlock()
	if findChromium() != "" { // by the tests of another package
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTimeout)
	defer cancel()
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "chromium"}} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		out, err := cmd.CombinedOutput()
		if err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			return fmt.Errorf("apt-get %s: %s: %w", args[0], lines[len(lines)-1], err)
		}
	}
	return nil
}
