package page_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// visit is a person at the page.
type visit struct {
	*browsertest.Page
	t *testing.T
}

// open shows the page, ready for use.
func open(t *testing.T, b *browsertest.Browser, s *browsertest.System) *visit {
	t.Helper()
	v := &visit{Page: b.Page(t, s.Status+"/"), t: t}
	v.Await(`document.querySelector('button.primary')`)
	return v
}

// choose picks an operation.
func (v *visit) choose(operation string) {
	v.t.Helper()
	v.Do(chromedp.SetValue(chromedp.CSS("#new select"), operation))
	v.Eval(`document.querySelector('#new select').dispatchEvent(new Event('change'))`, nil)
}

// typeIn replaces the payload by text.
func (v *visit) typeIn(text string) {
	v.t.Helper()
	v.Eval(`document.querySelector('input[type=radio][value=text]').click();
		document.querySelector('textarea').value = `+strconv.Quote(text), nil)
}

// parameter fills one in.
func (v *visit) parameter(name, value string) {
	v.t.Helper()
	v.Eval(fmt.Sprintf(`const label = [...document.querySelectorAll('label')].find((label) => label.textContent === %q);
		document.getElementById(label.htmlFor).value = %q`, name, value), nil)
}

func (v *visit) submit() {
	v.t.Helper()
	v.Do(chromedp.Click(chromedp.CSS("button.primary")))
}

// customer submits a job that takes as long as duration says.
func (v *visit) customer(duration string) {
	v.t.Helper()
	v.choose("customer")
	v.typeIn(`{"id": "7", "customername": "Ada"}`)
	v.parameter("duration", duration)
	v.submit()
}

// awaitState waits until the newest job is in a state.
func (v *visit) awaitState(state string) {
	v.t.Helper()
	v.Await(`document.querySelector('.job .state')?.dataset.state === '` + state + `'`)
}

// press clicks a visible button of the newest job.
func (v *visit) press(label string) {
	v.t.Helper()
	v.Eval(`[...document.querySelectorAll('.job')[0].querySelectorAll('button:not([hidden])')]
		.find((button) => button.textContent === '`+label+`').click()`, nil)
}

// wantText checks the text that something in the page has.
func (v *visit) wantText(selector, want string) {
	v.t.Helper()
	v.Await(fmt.Sprintf(`[...document.querySelectorAll(%q)].some((element) => element.innerText.includes(%q))`, selector, want))
}

// wantNoComplaints checks that the browser refused nothing and no script
// failed. Answers of 400 and more, and connections refused, are reported too.
func (v *visit) wantNoComplaints(expected ...string) {
	v.t.Helper()
	if left := v.Complaints(expected...); len(left) > 0 {
		v.t.Errorf("the browser complains: %q", left)
	}
}

// media emulates what a person prefers, as in prefers-color-scheme: dark.
func media(name, value string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: name, Value: value}},
		})
		return chromedp.Void{}, err
	}
}

// bypassCSP lets the tests' own scripts into the page.
func bypassCSP(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Call(ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
	return chromedp.Void{}, err
}
