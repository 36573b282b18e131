package page_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/asyncreply/asyncreply/pkg/client/browser/browsertest"
)

// TestJourneys keeps the promises of the page to a person, each with the real
// services in a real browser.
func TestJourneys(t *testing.T) {
	t.Parallel()
	s := browsertest.Start(t)
	b := browsertest.Open(t)
	for name, journey := range map[string]func(*testing.T, *browsertest.Browser, *browsertest.System){
		"JSON in, JSON out":          testJSON,
		"a picture in, one out":      testPicture,
		"a large file, progress":     testProgress,
		"a refusal is explained":     testRefusal,
		"a failure is explained":     testFailure,
		"a cancel":                   testCancel,
		"a reload in mid-job":        testReload,
		"another tab":                testTabs,
		"by keyboard alone":          testKeyboard,
		"with an access token":       testToken,
		"following by id":            testFollow,
		"more jobs than connections": testManyJobs,
	} {
		t.Run(name, func(t *testing.T) { journey(t, b.Private(t), s) })
	}
	// Last, because no other journey would like it.
	t.Run("the status service restarts in mid-job", func(t *testing.T) { testRestart(t, b.Private(t), s) })
}

func testJSON(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.customer("1s")
	v.awaitState("Succeeded")
	v.wantText(".job .result pre", `"customername": "Ada"`)
	v.Eval(`document.querySelector('.over').open = true;
		document.querySelectorAll('.wire details').forEach((details) => { details.open = true })`, nil)
	for _, want := range []string{"POST", "202", "Accepted: Location says where to ask", "Server-Sent Events", "event: succeeded",
		"The result, straight from storage, opened by a valet key.", "retry-after: 1", "sig=…"} {
		v.wantText(".wire", want)
	}
	v.wantNoComplaints()
}

func testPicture(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.choose("thumbnail")
	v.parameter("width", "200")
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{photo(t)}))
	v.wantText(".drop", "sunset.jpg")
	v.submit()
	v.awaitState("Succeeded")
	v.Await(`document.querySelector('.job .result img')?.naturalWidth === 200`)
	v.wantText(".job .result figcaption", "image/jpeg")
	v.wantText(".job h3", "thumbnail: sunset.jpg")
	v.wantNoComplaints()
}

func testProgress(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.choose("csv-profile")
	var rows bytes.Buffer
	rows.WriteString("id,city,temperature\n")
	for i := range 1_500_000 {
		fmt.Fprintf(&rows, "%08d,Hamburg,%d.5\n", i, i%40)
	}
	file := filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(file, rows.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
	v.submit()
	v.awaitState("Succeeded")
	v.wantText(".job .result pre", "1500000")
	v.wantNoComplaints()
}

func testRefusal(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.choose("customer")
	v.typeIn("{")
	v.submit()
	v.wantText("#new .error", "This is not JSON")
	v.Await(`document.activeElement.matches('textarea[aria-invalid=true]')`)
	v.typeIn(`{"id": "7"}`)
	v.submit()
	v.wantText("#new .problem", "InvalidPayload")
	v.wantText("#new .problem", "customername")
	v.Await(`document.querySelectorAll('.job').length === 0`)
	v.wantNoComplaints("status of 400")
}

func testFailure(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.choose("thumbnail")
	v.typeIn("no picture")
	v.submit()
	v.awaitState("Failed")
	v.wantText(".job .problem", "InvalidPayload")
	v.wantText(".job .problem", "not a JPEG, PNG or GIF")
	v.wantText("#news", "thumbnail: Failed")
	v.wantNoComplaints()
}

func testCancel(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.customer("50s")
	v.awaitState("Running")
	v.press("Cancel")
	v.awaitState("Canceled")
	v.wantText("#news", "customer: Canceled")
	v.press("Remove")
	v.Await(`document.querySelectorAll('.job').length === 0 && document.activeElement.id === 'jobs'`)
	v.wantNoComplaints()
}

// testReload reloads twice: while the job runs, and after its end. What is
// kept in between opens no result.
func testReload(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.customer("3s")
	v.awaitState("Running")
	v.Do(chromedp.Reload())
	v.awaitState("Succeeded")
	v.wantText(".job .result pre", `"customername": "Ada"`)
	v.Do(chromedp.Reload())
	v.awaitState("Succeeded")
	v.Await(`!document.querySelector('.job .result')`)
	var kept string
	v.Eval(`return localStorage.getItem('asyncreply.jobs')`, &kept)
	if !strings.Contains(kept, "sig=…") || regexp.MustCompile(`sig=[^…]`).MatchString(kept) {
		t.Errorf("a valet key is kept: %s", kept)
	}
	v.press("Show result")
	v.wantText(".job .result pre", `"customername": "Ada"`)
	v.press("Remove")
	v.wantNoComplaints()
}

func testTabs(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	first, second := open(t, b, s), open(t, b, s)
	first.customer("2s")
	second.awaitState("Succeeded")
	second.press("Remove")
	first.Await(`document.querySelectorAll('.job').length === 0`)
	first.wantNoComplaints()
	second.wantNoComplaints()
}

func testKeyboard(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.choose("customer")
	press := func(keys string) { t.Helper(); v.Do(chromedp.KeyEvent(keys)) }
	focused := func(selector string) { t.Helper(); v.Await(`document.activeElement.matches('` + selector + `')`) }
	v.Eval(`document.activeElement.blur(); window.scrollTo(0, 0)`, nil)
	press(kb.Tab)
	focused(".skip")
	for _, selector := range []string{"nav a", "nav a", "select", "input[type=radio]", "textarea"} {
		press(kb.Tab)
		focused(selector)
	}
	v.Do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(`{"id":"8","customername":"Grace"}`))
	press(kb.Tab) // media type
	press(kb.Tab)
	focused("input")
	v.Do(chromedp.KeyEvent("30s"))
	press(kb.Tab)
	focused("button.primary")
	press(kb.Enter)
	v.awaitState("Running")
	press(kb.Tab) // settings
	for range 3 {
		var label string
		if v.Eval(`return document.activeElement.textContent`, &label); label == "Cancel" {
			break
		}
		press(kb.Tab)
	}
	press(kb.Enter)
	v.awaitState("Canceled")
	v.press("Remove")
	v.wantNoComplaints()
}

// testToken gives an access token: the services get it, also after a reload,
// storage does not, and nothing shows or keeps it.
func testToken(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.Eval(`document.querySelector('.settings').open = true`, nil)
	v.Do(chromedp.SendKeys(chromedp.CSS("#token"), "s3cret"), chromedp.Reload())
	v.Await(`document.querySelector('button.primary') && document.getElementById('token').value === 's3cret'`)
	v.customer("0s")
	v.awaitState("Succeeded")
	v.wantText(".job .result pre", "Ada")
	v.Eval(`document.querySelector('.over').open = true;
		document.querySelectorAll('.wire details').forEach((details) => { details.open = true })`, nil)
	var shown []bool
	v.Eval(`return [...document.querySelectorAll('.wire pre')].map((pre) => pre.innerText.includes('authorization: Bearer …'))`, &shown)
	if n := len(shown); n < 3 || slices.Contains(shown[:n-1], false) || shown[n-1] {
		t.Errorf("requests with a token: %v, want all but the last", shown)
	}
	var found bool
	v.Eval(`return document.documentElement.innerHTML.includes('s3cret') || localStorage.getItem('asyncreply.jobs').includes('s3cret')`, &found)
	if found {
		t.Error("the token is shown or kept")
	}
	v.wantNoComplaints()
}

func testFollow(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	var id string
	v.Eval(`const { Client } = await import('/client/asyncreply.js');
		const job = await new Client({ acceptor: document.documentElement.dataset.acceptor }).submit('customer', { id: '7', customername: 'Ada' });
		return job.id`, &id)
	v.Eval(`document.querySelector('.settings').open = true`, nil)
	v.Do(chromedp.SendKeys(chromedp.CSS("#follow-id"), "00000000-0000-8000-8000-000000000000"+kb.Enter))
	v.wantText("#follow-error", "NotFound")
	v.Eval(`document.getElementById('follow-id').value = ""`, nil)
	v.Do(chromedp.SendKeys(chromedp.CSS("#follow-id"), id+kb.Enter))
	v.awaitState("Succeeded")
	v.wantText(".job h3", "customer")
	v.press("Remove")
	v.wantNoComplaints("status of 404")
}

// testManyJobs submits more jobs than a browser has connections to a service:
// all of them must be followed, and the page must still be able to ask.
func testManyJobs(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	const jobs = 9
	for i := range jobs {
		v.customer("8s")
		v.Await(fmt.Sprintf(`document.querySelectorAll('.job').length === %d`, i+1))
	}
	v.Await(fmt.Sprintf(`document.querySelectorAll('.state[data-state=Running]').length === %d`, jobs))
	v.press("Cancel")
	v.awaitState("Canceled")
	v.Await(fmt.Sprintf(`document.querySelectorAll('.state[data-state=Succeeded]').length === %d`, jobs-1))
	v.Eval(`document.getElementById('clear').click()`, nil)
	v.Await(`document.querySelectorAll('.job').length === 0`)
	v.wantNoComplaints("status of 409") // what a poll says of a canceled job
}

func testRestart(t *testing.T, b *browsertest.Browser, s *browsertest.System) {
	v := open(t, b, s)
	v.customer("6s")
	v.awaitState("Running")
	s.StopStatus()
	v.wantText(".job .trouble", "The status service cannot serve now.")
	time.Sleep(time.Second)
	s.StartStatus()
	v.awaitState("Succeeded")
	v.wantText(".job .result pre", `"customername": "Ada"`)
	v.Await(`!document.querySelector('.job .trouble').innerText`)
	v.wantNoComplaints("net::ERR_")
}

// photo writes a picture and gives its path.
func photo(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 1200, 800))
	for y := range 800 {
		for x := range 1200 {
			sky := color.RGBA{uint8(255 - y/5), uint8(120 + y/10), uint8(60 + y/5), 255}
			switch {
			case y > 560:
				sky = color.RGBA{20, uint8(40 + y/20), uint8(80 + x/12), 255}
			case math.Hypot(float64(x-600), float64(y-420)) < 150:
				sky = color.RGBA{255, 230, 140, 255}
			}
			img.Set(x, y, sky)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sunset.jpg")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
