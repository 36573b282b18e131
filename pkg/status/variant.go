package status

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// Values of the onComplete and onPending query parameters. Names and values
// are read in any case, as in the pattern's own sample.
const (
	parameterOnComplete = "onComplete"
	completeRedirect    = "redirect" // 302 to the result: the default
	completeStream      = "stream"   // 200 with the result itself
	completeJSON        = "json"     // 200 with a link to the result

	parameterOnPending = "onPending"
	pendingAccepted    = "accepted"    // 202 at once: the default
	pendingSynchronous = "synchronous" // 202 only after the longest wait
)

// variant is how a caller wants to be answered.
type variant struct {
	onComplete string
	onPending  string
	prefer     time.Duration // Prefer: wait, or 0
}

// parseVariant reads the query string and the Prefer header. An unknown value
// gives a [job.Error] with [job.CodeInvalidParameter]; other parameters are
// left alone.
func parseVariant(r *http.Request) (variant, error) {
	v := variant{onComplete: completeRedirect, onPending: pendingAccepted, prefer: preferWait(r.Header)}
	if r.URL.RawQuery == "" {
		return v, nil
	}
	for name, values := range r.URL.Query() {
		var err error
		switch {
		case strings.EqualFold(name, parameterOnComplete):
			v.onComplete, err = oneOf(parameterOnComplete, values, completeRedirect, completeStream, completeJSON)
		case strings.EqualFold(name, parameterOnPending):
			v.onPending, err = oneOf(parameterOnPending, values, pendingAccepted, pendingSynchronous)
		}
		if err != nil {
			return variant{}, err
		}
	}
	return v, nil
}

func oneOf(name string, values []string, allowed ...string) (string, error) {
	for _, value := range allowed {
		if len(values) == 1 && strings.EqualFold(values[0], value) {
			return value, nil
		}
	}
	detail := "must be given once, as one of: " + strings.Join(allowed, ", ")
	return "", &job.Error{
		Code:    job.CodeInvalidParameter,
		Message: "The query parameter " + name + " " + detail + ".",
		Err:     &operation.Violations{List: []operation.Violation{{Name: name, Detail: detail}}},
	}
}

// query gives the query string that asks for v, with its question mark, or
// "" for the defaults.
func (v variant) query() string {
	if v.onComplete == completeRedirect && v.onPending == pendingAccepted {
		return ""
	}
	q := url.Values{}
	if v.onComplete != completeRedirect {
		q.Set(parameterOnComplete, v.onComplete)
	}
	if v.onPending != pendingAccepted {
		q.Set(parameterOnPending, v.onPending)
	}
	return "?" + q.Encode()
}

// resultQuery is query for the result, which is never pending.
func (v variant) resultQuery() string {
	v.onPending = pendingAccepted
	return v.query()
}

// wait gives how long the caller wants to wait for a pending job, at most
// longest.
func (v variant) wait(longest time.Duration) time.Duration {
	if v.prefer > 0 {
		return min(v.prefer, longest)
	}
	if v.onPending == pendingSynchronous {
		return longest
	}
	return 0
}

// preferWait reads the wait preference (RFC 7240, section 4.3) from the
// Prefer headers, or gives 0. A malformed preference is ignored, as the RFC
// asks; of several the first counts.
func preferWait(header http.Header) time.Duration {
	for _, line := range header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0
			}
			return time.Duration(seconds) * time.Second
		}
	}
	return 0
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
