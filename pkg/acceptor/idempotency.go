package acceptor

import (
	"net/http"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// headerIdempotencyKey is the field of draft-ietf-httpapi-idempotency-key-header.
const headerIdempotencyKey = "Idempotency-Key"

// maxKey is the longest key taken, in bytes.
const maxKey = 255

// idempotencyKey gives the key that a request carries, or "". The draft makes
// it a string of RFC 8941, in quotes; a bare word, as many clients send it, is
// the same key. Anything else is a 400.
func idempotencyKey(header http.Header) (string, error) {
	values := header.Values(headerIdempotencyKey)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", malformedKey("is given more than once")
	}
	text := strings.Trim(values[0], " \t")
	key, ok := bareKey(text)
	if strings.HasPrefix(text, `"`) {
		key, ok = quotedKey(text)
	}
	switch {
	case !ok:
		return "", malformedKey(`is not a string such as "8e03978e-40d5-43dd-bc93-6894a57f9324"`)
	case key == "":
		return "", malformedKey("is empty")
	case len(key) > maxKey:
		return "", malformedKey("is longer than 255 characters")
	}
	return key, nil
}

// bareKey takes visible characters, but none that would part a list or begin
// parameters.
func bareKey(text string) (string, bool) {
	wrong := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\,;`, r) }
	return text, !strings.ContainsFunc(text, wrong)
}

// quotedKey reads an sf-string (RFC 8941, section 4.2.5) without parameters.
func quotedKey(text string) (string, bool) {
	var key strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return key.String(), i == len(text)-1
		case c == '\\':
			i++
			if i == len(text) || text[i] != '"' && text[i] != '\\' {
				return "", false
			}
			key.WriteByte(text[i])
		case c < ' ' || c > '~':
			return "", false
		default:
			key.WriteByte(c)
		}
	}
	return "", false
}

func malformedKey(what string) error {
	return web.NewProblem(job.CodeInvalidRequest, "The Idempotency-Key "+what+".")
}

func keyReused() error {
	return web.NewProblem(job.CodeKeyReused,
		"The Idempotency-Key came before with another payload, content type or query string. Use a new key for a new request.")
}
