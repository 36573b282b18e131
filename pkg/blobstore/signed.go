package blobstore

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// keptURLs is how many signed URLs are kept, of about half a kilobyte each.
	keptURLs = 4096
	// reuseParts is what part of its lifetime a URL is handed out again for: it
	// works for at least the rest, and never for longer than its lifetime.
	reuseParts = 20
)

// signedURLs keeps the URLs that were signed last, because callers ask for the
// same result again and again, and signing costs more than all else of a redirect.
type signedURLs struct {
	reuse time.Duration
	urls  *lru.Cache[signature, signedURL]
}

// signature is what a URL is signed for.
type signature struct {
	name    string
	options SignOptions
}

type signedURL struct {
	url         string
	at, expires time.Time
}

func newSignedURLs(lifetime time.Duration) *signedURLs {
	urls, _ := lru.New[signature, signedURL](keptURLs) // fails for a size below 1 only
	return &signedURLs{reuse: lifetime / reuseParts, urls: urls}
}

// get gives a URL that was signed a moment ago.
func (s *signedURLs) get(of signature, now time.Time) (signedURL, bool) {
	kept, ok := s.urls.Get(of)
	age := now.Sub(kept.at)
	return kept, ok && age >= 0 && age < s.reuse
}

func (s *signedURLs) put(of signature, url signedURL) { s.urls.Add(of, url) }
