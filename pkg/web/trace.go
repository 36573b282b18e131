package web

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

const (
	headerTraceParent = "Traceparent"
	headerTraceState  = "Tracestate"

	// maxTraceState is the least length that must be passed on (W3C Trace
	// Context, section 3.3.1.5); a longer one is dropped whole.
	maxTraceState = 512
)

// traceContext is the trace that a request belongs to (W3C Trace Context).
type traceContext struct {
	parent string // in the form of version 00
	state  string
}

// id gives the trace-id.
func (t traceContext) id() string {
	if len(t.parent) < 35 {
		return ""
	}
	return t.parent[3:35]
}

// traceOf takes over the caller's trace, or starts one.
func traceOf(header http.Header) traceContext {
	if values := header[headerTraceParent]; len(values) == 1 {
		if parent, ok := parseTraceParent(values[0]); ok {
			return traceContext{parent: parent, state: traceState(header[headerTraceState])}
		}
	}
	return traceContext{parent: newTraceParent()}
}

// parseTraceParent reads a traceparent header of any version (section 3.2) and
// gives what version 00 knows of it.
func parseTraceParent(value string) (string, bool) {
	const length = 55
	value = strings.TrimSpace(value)
	if len(value) < length || value[2] != '-' || value[35] != '-' || value[52] != '-' {
		return "", false
	}
	version, id, parent, flags := value[:2], value[3:35], value[36:52], value[53:length]
	if !lowerHex(version) || version == "ff" || !lowerHex(id) || !lowerHex(parent) || !lowerHex(flags) {
		return "", false
	}
	if len(value) > length && (version == "00" || value[length] != '-') {
		return "", false
	}
	if strings.Trim(id, "0") == "" || strings.Trim(parent, "0") == "" {
		return "", false
	}
	return "00-" + id + "-" + parent + "-" + flags, true
}

func lowerHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s == strings.ToLower(s)
}

func traceState(values []string) string {
	state := strings.TrimSpace(strings.Join(values, ","))
	if len(state) > maxTraceState {
		return ""
	}
	return state
}

// newTraceParent starts a trace that those who follow may sample.
func newTraceParent() string {
	var random [24]byte // trace-id and parent-id, neither of which may be zero
	binary.NativeEndian.PutUint64(random[:8], rand.Uint64()|1)
	binary.NativeEndian.PutUint64(random[8:16], rand.Uint64())
	binary.NativeEndian.PutUint64(random[16:], rand.Uint64()|1)
	var text [55]byte
	parent := hex.AppendEncode(append(text[:0], "00-"...), random[:16])
	parent = hex.AppendEncode(append(parent, '-'), random[16:])
	return string(append(parent, "-01"...))
}
