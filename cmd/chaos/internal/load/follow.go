package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/backend"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// errAgain says that an answer told nothing and that it is to be asked again.
var errAgain = errors.New("ask again")

func lastElement(url string) string { return path.Base(url) }

// follow polls until the job is over and notes how it ended.
func (l *Load) follow(ctx context.Context, p *witness.Promise, chance *rand.Rand) {
	for ctx.Err() == nil && !l.sight(ctx, p, chance.IntN(4)) {
		pause(ctx, 400*time.Millisecond)
	}
}

// sight asks once and reports whether the job is over. It notes what it was
// told if that was the end, or strange.
func (l *Load) sight(ctx context.Context, p *witness.Promise, way int) bool {
	s, err := l.look(ctx, p, way)
	if err == nil {
		l.Journal.Note(p.ID, func(p *witness.Promise) { p.Sightings = append(p.Sightings, s) })
		return true
	}
	if !errors.Is(err, errAgain) && ctx.Err() == nil {
		l.strange(p, err.Error())
	}
	return false
}

func (l *Load) strange(p *witness.Promise, what string) {
	l.Journal.Note(p.ID, func(p *witness.Promise) {
		if len(p.Strange) < 5 {
			p.Strange = append(p.Strange, time.Now().Format("15:04:05.000 ")+what)
		}
	})
}

// Ways to ask.
const (
	byPolling = iota
	byWaiting
	byLink
	byStreaming
)

// look asks once, in one of the ways there are.
func (l *Load) look(ctx context.Context, p *witness.Promise, way int) (witness.Sighting, error) {
	url := p.StatusURL
	switch way {
	case byLink:
		url += "?onComplete=json"
	case byStreaming:
		url += "?onComplete=stream"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return witness.Sighting{}, err
	}
	if way == byWaiting {
		request.Header.Set("Prefer", "wait=5")
	}
	response, err := l.client.Do(request)
	if err != nil {
		return witness.Sighting{}, errAgain
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return witness.Sighting{}, errAgain
	}
	switch code := response.StatusCode; {
	case code == http.StatusAccepted, code >= 500, code == http.StatusTooManyRequests:
		return witness.Sighting{}, errAgain
	case code == http.StatusFound:
		return l.fetch(ctx, response.Header.Get("Location"))
	case code == http.StatusOK && way == byStreaming:
		return succeeded(body), nil
	case code == http.StatusOK && way == byLink:
		return l.fetchLinked(ctx, body)
	case code == http.StatusConflict, code == http.StatusUnprocessableEntity:
		return ended(code, body)
	}
	return witness.Sighting{}, errors.New(describe(response, "status"))
}

// fetchLinked reads the result that a JSON answer links to and checks what the
// answer says of it.
func (l *Load) fetchLinked(ctx context.Context, body []byte) (witness.Sighting, error) {
	var link struct {
		ResultURL string
		Digest    map[string]string
	}
	if err := json.Unmarshal(body, &link); err != nil || link.ResultURL == "" {
		return witness.Sighting{}, fmt.Errorf("status: 200 without a link: %.80q", body)
	}
	s, err := l.fetch(ctx, link.ResultURL)
	if err == nil && link.Digest["sha-256"] != s.Digest {
		err = fmt.Errorf("status: the digest %.12s is not that of the result, %.12s", link.Digest["sha-256"], s.Digest)
	}
	return s, err
}

// fetch reads a result by its valet key.
func (l *Load) fetch(ctx context.Context, url string) (witness.Sighting, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return witness.Sighting{}, err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return witness.Sighting{}, errAgain
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	switch code := response.StatusCode; {
	case err != nil, code >= 500, code == http.StatusTooManyRequests:
		return witness.Sighting{}, errAgain
	case code != http.StatusOK:
		return witness.Sighting{}, errors.New(describe(response, "result"))
	}
	return succeeded(content), nil
}

func succeeded(content []byte) witness.Sighting {
	digest := sha256.Sum256(content)
	result, err := backend.Read(content)
	return witness.Sighting{
		At: time.Now(), State: witness.Succeeded, Digest: hex.EncodeToString(digest[:]),
		Payload: result.Payload, Attempt: result.Attempt, Whole: err == nil,
	}
}

// ended reads the problem document of a job that failed or was canceled.
func ended(code int, body []byte) (witness.Sighting, error) {
	var problem struct{ Code, Detail string }
	if err := json.Unmarshal(body, &problem); err != nil {
		return witness.Sighting{}, fmt.Errorf("status: %d without a problem document: %.80q", code, body)
	}
	s := witness.Sighting{At: time.Now(), State: witness.Failed, Code: problem.Code, Message: problem.Detail}
	if code == http.StatusConflict {
		s.State = witness.Stopped
	}
	return s, nil
}

// cancelLater cancels the job after a while and notes who won.
func (l *Load) cancelLater(ctx context.Context, p *witness.Promise, after time.Duration) {
	pause(ctx, after)
	l.Journal.Note(p.ID, func(p *witness.Promise) { p.CancelAsked = true })
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodDelete, p.StatusURL, nil)
		if err != nil {
			return
		}
		response, err := l.client.Do(request)
		if err != nil {
			pause(ctx, 300*time.Millisecond)
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		switch code := response.StatusCode; {
		case code == http.StatusAccepted:
			l.Journal.Note(p.ID, func(p *witness.Promise) { p.CancelWon = true })
			return
		case code == http.StatusOK:
			return
		case code < 500 && code != http.StatusTooManyRequests:
			l.strange(p, describe(response, "status"))
			return
		}
		pause(ctx, 300*time.Millisecond)
	}
}
