package wire

import "strings"

// nodeKind is what an address stands for.
type nodeKind int

const (
	nodeEntity     nodeKind = iota // a queue or dead-letter queue
	nodeManagement                 // the $management node of an entity
	nodeCBS                        // the $cbs node of the namespace
)

// parseAddress gives what a link's address or a token's audience stands for and the path of its entity. Addresses may be
// whole URIs, of which scheme and host are ignored.
func parseAddress(addr string) (path string, kind nodeKind) {
	if _, rest, ok := strings.Cut(addr, "://"); ok {
		_, addr, _ = strings.Cut(rest, "/")
	}
	addr = strings.Trim(addr, "/")
	if strings.EqualFold(addr, "$cbs") {
		return "", nodeCBS
	}
	const suffix = "$management"
	if n := len(addr) - len(suffix); n >= 0 && strings.EqualFold(addr[n:], suffix) {
		return strings.TrimSuffix(addr[:n], "/"), nodeManagement
	}
	return addr, nodeEntity
}
