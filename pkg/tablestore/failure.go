package tablestore

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// A string property takes 64 KiB of UTF-16, which is 32,768 code units:
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
// A text has never more code units than it has bytes of UTF-8.
const (
	maxText     = 32_000
	maxMessage  = 4_096
	maxProgress = 1_024
)

// encodeFailure gives f in JSON, nil as "". What does not fit into a property
// is cut: the message to maxMessage bytes, then the detail, which becomes a
// JSON string of its beginning.
func encodeFailure(f *job.Failure) string {
	if f == nil {
		return ""
	}
	fitted := job.Failure{Code: f.Code, Message: cut(f.Message, maxMessage), Detail: f.Detail}
	if len(f.Detail) > 0 && !json.Valid(f.Detail) {
		fitted.Detail = quote(f.Detail, maxText)
	}
	text := marshal(&fitted)
	for limit := maxText / 2; len(text) > maxText; limit /= 2 {
		fitted.Detail = quote(f.Detail, limit)
		text = marshal(&fitted)
	}
	return text
}

// marshal keeps the detail as it is, where json.Marshal would escape its angle
// brackets.
func marshal(f *job.Failure) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(f) // cannot fail: the detail is valid JSON
	return strings.TrimSuffix(text.String(), "\n")
}

func quote(detail json.RawMessage, limit int) json.RawMessage {
	quoted, _ := json.Marshal(cut(string(detail), limit)) // cannot fail: it is a string
	return quoted
}

// decodeFailure reads what encodeFailure wrote. A text that an operator has
// spoiled becomes the message: a record must stay readable.
func decodeFailure(text string) *job.Failure {
	if text == "" {
		return nil
	}
	var f job.Failure
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return &job.Failure{Code: job.CodeInternal, Message: text}
	}
	return &f
}

// cut shortens text to at most limit bytes and says so by an ellipsis.
func cut(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
