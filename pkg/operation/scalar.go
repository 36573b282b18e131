package operation

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// readSize reads a number of bytes with an optional unit: B, KB, MB or GB, of
// 1,024 each.
func readSize(text string) (int64, error) {
	number := strings.ToUpper(strings.TrimSpace(text))
	unit := int64(1)
	for suffix, factor := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = rest, factor
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(number, "B")), 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf("%.40q is not a size above zero, such as 512KB or 100MB", text)
	}
	return n * unit, nil
}

// readDuration reads a duration above zero in the form of
// [time.ParseDuration].
func readDuration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit; write for example %ss, %sm or %sh", text, text, text, text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a duration such as 30s, 5m or 1h30m", text)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s is not above zero", text)
	}
	return d, nil
}
