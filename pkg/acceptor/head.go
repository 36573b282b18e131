package acceptor

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// Query string and content type travel in the message beside the payload and
// have no room for more.
const (
	maxQuery       = 8 << 10 // bytes
	maxContentType = 1 << 10 // bytes
)

// head is what a request says before its payload.
type head struct {
	contentType string
	query       string // parameters of the operation, normalised
	variants    string // control parameters, for the status URL; "" or a query string
	key         string // Idempotency-Key, or ""
}

func readHead(r *http.Request, o *operation.Operation) (head, error) {
	var h head
	var err error
	if h.contentType, err = contentType(r, o); err != nil {
		return head{}, err
	}
	if h.key, err = idempotencyKey(r.Header); err != nil {
		return head{}, err
	}
	if len(r.URL.RawQuery) > maxQuery {
		return head{}, queryTooLong()
	}
	var parameters string
	if h.variants, parameters, err = splitVariants(r.URL.RawQuery); err != nil {
		return head{}, err
	}
	if h.query, err = o.ValidateQuery(parameters); err != nil {
		return head{}, err
	}
	if len(h.query) > maxQuery {
		return head{}, queryTooLong()
	}
	return h, nil
}

// contentType gives the payload's media type, application/octet-stream if the
// request does not say (RFC 9110, section 8.3).
func contentType(r *http.Request, o *operation.Operation) (string, error) {
	for _, coding := range r.Header.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return "", unsupportedCoding(coding)
		}
	}
	header := r.Header.Get("Content-Type")
	if header == "" {
		header = "application/octet-stream"
	}
	if slices.Contains(o.ContentTypes, header) {
		return header, nil
	}
	_, _, err := mime.ParseMediaType(header)
	if err != nil || len(header) > maxContentType || !o.TakesContentType(header) {
		return "", unsupportedType(header, o)
	}
	return header, nil
}

// variants are the query parameters of the status service that a caller may
// choose already when posting, with the values that they take. Both are read
// in any case, as the status service does.
var variants = map[string][]string{
	"onComplete": {"redirect", "stream", "json"},
	"onPending":  {"accepted", "synchronous"},
}

// splitVariants takes the control parameters out of a query string and gives
// them in canonical form. What is left is for the operation, in the order it
// came.
func splitVariants(rawQuery string) (chosen, rest string, err error) {
	if rawQuery == "" {
		return "", "", nil
	}
	values := url.Values{}
	var others []string
	for pair := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name := variantName(key)
		if name == "" {
			others = append(others, pair)
			continue
		}
		if values.Has(name) {
			return "", "", invalidVariant(name, "is given more than once")
		}
		chosen := variantValue(name, value)
		if chosen == "" {
			return "", "", invalidVariant(name, "is not one of "+strings.Join(variants[name], ", "))
		}
		values.Set(name, chosen)
	}
	return values.Encode(), strings.Join(others, "&"), nil
}

// variantName gives the control parameter that key, still escaped, names, or
// "".
func variantName(key string) string {
	key, err := url.QueryUnescape(key)
	if err != nil {
		return ""
	}
	for name := range variants {
		if strings.EqualFold(name, key) {
			return name
		}
	}
	return ""
}

// variantValue gives the value that text, still escaped, stands for, or "".
func variantValue(name, text string) string {
	text, err := url.QueryUnescape(text)
	if err != nil {
		return ""
	}
	for _, value := range variants[name] {
		if strings.EqualFold(value, text) {
			return value
		}
	}
	return ""
}

func invalidVariant(name, detail string) error {
	return &job.Error{
		Code:    job.CodeInvalidParameter,
		Message: "The query string asks the status service for what it does not offer.",
		Err:     &operation.Violations{List: []operation.Violation{{Name: name, Detail: detail}}},
	}
}
