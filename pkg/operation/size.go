package operation

import (
	"fmt"
	"strconv"
	"strings"
)

// byteSize reads a number of bytes with an optional unit: B, KB, MB or GB, of
// 1,024 each.
type byteSize int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *byteSize) UnmarshalText(text []byte) error {
	number := strings.ToUpper(strings.TrimSpace(string(text)))
	unit := int64(1)
	for suffix, factor := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = rest, factor
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(number, "B")), 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/unit {
		return fmt.Errorf("%q is not a size such as 512KB or 100MB", text)
	}
	*s = byteSize(n * unit)
	return nil
}
