package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// Operations that the load needs. The backend does their work.
const (
	OperationWork      = "work"
	OperationPanicking = "panicking" // its handler panics
	OperationHurried   = "hurried"   // its queueTimeout is 2s
	OperationLate      = "late"      // its attemptTimeout is 1s, its attempts are 2
	OperationPoison    = "poison"    // its attempts are 3, soon after each other
)

// request is what a caller posts.
type request struct {
	kind    witness.Kind
	path    string
	payload []byte
	key     string
}

// mix says how many of a hundred requests are of each kind.
var mix = []struct {
	kind  witness.Kind
	share int
}{
	{witness.Quick, 20}, {witness.Slow, 15}, {witness.Large, 10}, {witness.Flaky, 10}, {witness.Failing, 5},
	{witness.Panicking, 4}, {witness.Canceled, 12}, {witness.Keyed, 15}, {witness.Hurried, 5}, {witness.Late, 4},
}

func newRequest(number int, chance *rand.Rand) request {
	r := request{kind: draw(chance), path: "/api/" + OperationWork}
	size := 20 + chance.IntN(2000)
	switch r.kind {
	case witness.Slow:
		r.path += fmt.Sprintf("?duration=%dms", 500+chance.IntN(6500))
	case witness.Canceled:
		r.path += fmt.Sprintf("?duration=%dms", 500+chance.IntN(3500))
	case witness.Large:
		size = 250_000 + chance.IntN(500_000)
		r.path += fmt.Sprintf("?duration=%dms&size=%d", chance.IntN(2000), 300_000+chance.IntN(700_000))
	case witness.Flaky:
		r.path += fmt.Sprintf("?failures=%d", 1+chance.IntN(2))
	case witness.Failing:
		r.path += "?refuse=409"
	case witness.Panicking:
		r.path = "/api/" + OperationPanicking
	case witness.Hurried:
		r.path = "/api/" + OperationHurried
	case witness.Late:
		r.path = "/api/" + OperationLate + "?duration=4s"
	case witness.Keyed:
		r.key = fmt.Sprintf("chaos-%d-%d", number, chance.Uint64())
		if chance.IntN(4) == 0 {
			size = 250_000
		}
		r.path += fmt.Sprintf("?duration=%dms", chance.IntN(500))
	}
	for len(r.payload) < size {
		r.payload = binary.LittleEndian.AppendUint64(r.payload, chance.Uint64())
	}
	return r
}

func draw(chance *rand.Rand) witness.Kind {
	n := chance.IntN(100)
	for _, m := range mix {
		if n -= m.share; n < 0 {
			return m.kind
		}
	}
	return witness.Quick
}

// post sends the request until it is promised or ctx is done. Each try without
// a key is a request of its own, so one without a 202 counts for nothing.
func (l *Load) post(ctx context.Context, r request) (*witness.Promise, bool) {
	for ctx.Err() == nil {
		p, refusal := l.try(ctx, r)
		if refusal == "" {
			l.Journal.Accept(*p)
			return p, true
		}
		l.Journal.Refuse(refusal)
		pause(ctx, 300*time.Millisecond)
	}
	return nil, false
}

// refused tells a refusal by its status and by what the problem document says
// of it.
func refused(response *http.Response, body []byte) string {
	var problem struct{ Detail string }
	if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
		return response.Status
	}
	return response.Status + ": " + problem.Detail
}

// try gives the promise, or what the request got instead.
func (l *Load) try(ctx context.Context, r request) (p *witness.Promise, refusal string) {
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Acceptor+r.path, bytes.NewReader(r.payload))
	if err != nil {
		return nil, err.Error()
	}
	post.Header.Set("Content-Type", "application/octet-stream")
	if r.key != "" {
		post.Header.Set("Idempotency-Key", `"`+r.key+`"`)
	}
	response, err := l.client.Do(post)
	if err != nil {
		return nil, "no answer"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusAccepted {
		return nil, refused(response, body)
	}
	// The 202 and its Location are the promise, whether or not the body came.
	digest := sha256.Sum256(r.payload)
	p = &witness.Promise{
		Kind: r.kind, Key: r.key, StatusURL: response.Header.Get("Location"),
		Payload: hex.EncodeToString(digest[:]), At: time.Now(),
	}
	var accepted struct{ ID string }
	if err == nil {
		err = json.Unmarshal(body, &accepted)
	}
	if p.ID = accepted.ID; err != nil {
		p.ID = lastElement(p.StatusURL)
	}
	return p, ""
}
