package backend_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/backend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDamageIsFound tells a result as it was written from one that is cut,
// mixed with another, or none at all.
func TestDamageIsFound(t *testing.T) {
	var one, two bytes.Buffer
	for _, b := range []*bytes.Buffer{&one, &two} {
		if err := backend.Write(b, "payload", "3", 10_000); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := backend.Read(one.Bytes()); err != nil || r.Payload != "payload" || r.Attempt != "3" || r.Run == "" {
		t.Errorf("whole: %+v, %v", r, err)
	}
	half := one.Len() / 2
	for name, content := range map[string][]byte{
		"empty":          nil,
		"cut in a line":  one.Bytes()[:half],
		"cut to a line":  one.Bytes()[:bytes.IndexByte(one.Bytes(), '\n')+1],
		"mixed":          append(bytes.Clone(one.Bytes()[:half]), two.Bytes()[half:]...),
		"two in one":     append(bytes.Clone(one.Bytes()), two.Bytes()...),
		"something else": []byte("<Error/>\n<Error/>\n"),
	} {
		if r, err := backend.Read(content); err == nil {
			t.Errorf("%s: is taken for whole: %+v", name, r)
		}
	}
}

// TestWork shows what requests can ask for.
func TestWork(t *testing.T) {
	b, err := backend.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	post := func(query, id string) (int, []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+query, strings.NewReader("payload"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header["RequestGUID"] = []string{id}
		request.Header["RequestAttempt"] = []string{"2"}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, body
	}
	digest := sha256.Sum256([]byte("payload"))
	code, body := post("?duration=10ms&size=5000", "1")
	if r, err := backend.Read(body); code != 200 || err != nil || r.Payload != hex.EncodeToString(digest[:]) || r.Attempt != "2" || len(body) < 4000 {
		t.Errorf("got %d, %+v, %v", code, r, err)
	}
	if code, _ := post("?refuse=409", "2"); code != http.StatusConflict {
		t.Errorf("refused: got %d", code)
	}
	for i, want := range []int{503, 503, 200} {
		if code, _ := post("?failures=2", "3"); code != want {
			t.Errorf("try %d of a flaky one: got %d, want %d", i+1, code, want)
		}
	}
}
