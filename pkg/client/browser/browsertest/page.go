package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Patience is how long a test waits for what must come.
const Patience = 30 * time.Second

// screenshotsVariable names the folder that [Page.Shot] writes to.
const screenshotsVariable = "ASYNCREPLY_SCREENSHOTS"

// Page is a tab.
type Page struct {
	tb  testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

// Page opens a tab that shows url. Steps, if there are any, come before it.
func (b *Browser) Page(tb testing.TB, url string, steps ...chromedp.Action[chromedp.Void]) *Page {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	p := &Page{tb: tb, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // opens the tab for as long as ctx lives
		tb.Fatalf("open a tab: %v", err)
	}
	var listening sync.WaitGroup
	messages := chromedp.Console(ctx)
	listening.Go(func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			p.hear(message)
		}
	})
	tb.Cleanup(func() { cancel(); listening.Wait() })
	p.Do(append(steps, chromedp.Navigate(url))...)
	return p
}

// hear keeps what the page complains about: exceptions, errors on the console,
// and what the browser refused to load or to run.
func (p *Page) hear(message chromedp.ConsoleMessage) {
	if message.Type != chromedp.ConsoleError && !message.IsException() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, fmt.Sprintf("%s %s", message, message.URL))
}

// Complaints gives the errors so far that contain none of the expected texts.
func (p *Page) Complaints(expected ...string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
next:
	for _, complaint := range p.complaints {
		for _, text := range expected {
			if strings.Contains(complaint, text) {
				continue next
			}
		}
		left = append(left, complaint)
	}
	return left
}

// Do carries out actions in the tab, all of them within [Patience].
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.fail("in the page: %v", err)
	}
}

// Eval runs the body of an async function in the page and decodes what it
// returns into result, which may be nil.
func (p *Page) Eval(body string, result any) {
	p.tb.Helper()
	if err := p.eval(body, result); err != nil {
		p.fail("%s: %v", body, err)
	}
}

func (p *Page) eval(body string, result any) error {
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	wrapped := "(async () => JSON.stringify((await (async () => {" + body + "})()) ?? null))()"
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](wrapped, chromedp.EvalAwaitPromise))
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal([]byte(text), result)
}

// Await waits until a JavaScript expression is true, also while the page is
// loaded again.
func (p *Page) Await(expression string) {
	p.tb.Helper()
	var done bool
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		err := p.eval("return !!("+expression+")", &done)
		if done {
			return
		}
		if time.Now().After(deadline) {
			p.fail("never true: %s (%v)", expression, err)
		}
	}
}

// Shot writes a picture of the whole page into the folder that
// ASYNCREPLY_SCREENSHOTS names, if there is one.
func (p *Page) Shot(name string) {
	p.tb.Helper()
	folder := os.Getenv(screenshotsVariable)
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
		p.tb.Fatal(err)
	}
}

// fail says what the page shows, too.
func (p *Page) fail(format string, args ...any) {
	p.tb.Helper()
	var text string
	_ = p.eval("return document.body.innerText", &text)
	p.tb.Fatalf(format+"\ncomplaints: %q\nthe page shows:\n%s", append(args, p.Complaints(), text)...)
}
