package page_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

// finding is what axe-core has found to be against a rule.
type finding struct {
	ID    string
	Nodes []struct{ HTML, FailureSummary string }
}

// wantAccessible checks the page as it is now against the rules of WCAG 2.2
// AA, and axe's own of good practice.
func (v *visit) wantAccessible(axe, state string) {
	v.t.Helper()
	var found []finding
	v.Eval(axe+`; const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
		return violations.map(({ id, nodes }) => ({ ID: id, Nodes: nodes.map(({ html, failureSummary }) => ({ HTML: html, FailureSummary: failureSummary })) }))`, &found)
	for _, f := range found {
		for _, node := range f.Nodes {
			v.t.Errorf("%s: %s: %s\n%s", state, f.ID, node.HTML, node.FailureSummary)
		}
	}
}

// wantFits checks that nothing sticks out of a window of that width.
func (v *visit) wantFits(width int64) {
	v.t.Helper()
	v.Do(chromedp.EmulateViewport(width, 844))
	var widest int64
	v.Eval(`return document.documentElement.scrollWidth`, &widest)
	if widest > width {
		v.t.Errorf("the page is %d wide in a window of %d", widest, width)
	}
}

// TestAppearance keeps the promises that the page is fit for assistive
// technology in every state, light and dark, and fits a narrow window. With
// ASYNCREPLY_SCREENSHOTS it leaves pictures.
func TestAppearance(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(filepath.Join(browsertest.Modules(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	axe := "globalThis.axe ?? (0, eval)(" + strconv.Quote(string(script)) + ")"
	s := browsertest.Start(t)
	b := browsertest.Open(t)
	v := &visit{Page: b.Page(t, s.Status+"/", chromedp.EmulateViewport(1280, 900), bypassCSP), t: t}
	v.Await(`document.querySelector('button.primary')`)
	v.wantAccessible(axe, "empty")
	v.fill(t)
	for _, scheme := range []string{"light", "dark"} {
		v.Do(media("prefers-color-scheme", scheme))
		v.wantAccessible(axe, scheme)
		v.Shot(scheme)
	}
	v.wantFits(390)
	v.wantAccessible(axe, "narrow")
	v.Shot("narrow")
	v.wantFits(320) // as when a page is enlarged to 400 % (WCAG 1.4.10)
}

// fill brings the page into all of its states at once.
func (v *visit) fill(t *testing.T) {
	v.choose("thumbnail")
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{photo(t)}))
	v.submit()
	v.Await(`document.querySelector('.job .result img')`)
	v.typeIn("no picture")
	v.submit()
	v.awaitState("Failed")
	v.customer("30s")
	v.awaitState("Running")
	v.press("Cancel")
	v.awaitState("Canceled")
	v.customer("1s")
	v.wantText(".job .result pre", "Ada")
	v.Eval(`document.querySelector('.over').open = true; document.querySelector('.wire details').open = true`, nil)
	v.customer("25s")
	v.Await(`document.querySelector('.job progress').value >= 10 && document.querySelector('.facts').innerText.includes('left')`)
	v.typeIn("{")
	v.submit()
	v.wantText("#new .error", "This is not JSON")
}
