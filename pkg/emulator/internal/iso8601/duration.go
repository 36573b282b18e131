// Package iso8601 reads and writes durations as Service Bus does in its configuration and management API: "PT1M", "P14D",
// "PT0.5S".
package iso8601

import (
	"fmt"
	"math"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Unlimited is the longest duration. Any duration that is too long for a [time.Duration] reads as Unlimited, among them
// the one by which Service Bus says "no limit".
const Unlimited time.Duration = math.MaxInt64

// unlimited is the longest duration of .NET, 2⁶³-1 ticks.
const unlimited = "P10675199DT2H48M5.4775807S"

var pattern = regexp.MustCompile(
	`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?$`)

const day = 24 * time.Hour

// units are those of the pattern's groups. A month has 30 days and a year 365, as .NET's XmlConvert has it.
var units = [...]time.Duration{365 * day, 30 * day, 7 * day, day, time.Hour, time.Minute, time.Second}

// Parse reads a duration. It must name at least one unit and is never negative; digits beyond nanoseconds are cut off.
func Parse(s string) (time.Duration, error) {
	groups := pattern.FindStringSubmatch(s)
	if groups == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return 0, fmt.Errorf("%.50q is not an ISO 8601 duration such as PT1M", s)
	}
	var sum uint64
	for i, unit := range units {
		high, part := bits.Mul64(number(groups[i+1]), uint64(unit))
		sum += part
		if high != 0 || part > math.MaxInt64 || sum > math.MaxInt64 {
			return Unlimited, nil
		}
	}
	sum += number((groups[8] + "000000000")[:9])
	return time.Duration(min(sum, math.MaxInt64)), nil
}

// number reads digits; too many of them give the highest number.
func number(digits string) uint64 {
	n, _ := strconv.ParseUint("0"+digits, 10, 64)
	return n
}

// Format writes a duration with days, hours, minutes and seconds, as Service Bus does. It must not be negative.
func Format(d time.Duration) string {
	switch d {
	case 0:
		return "PT0S"
	case Unlimited:
		return unlimited
	}
	var b strings.Builder
	b.WriteByte('P')
	if days := d / day; days > 0 {
		fmt.Fprintf(&b, "%dD", days)
	}
	if d %= day; d > 0 {
		b.WriteByte('T')
	}
	if hours := d / time.Hour; hours > 0 {
		fmt.Fprintf(&b, "%dH", hours)
	}
	if minutes := d % time.Hour / time.Minute; minutes > 0 {
		fmt.Fprintf(&b, "%dM", minutes)
	}
	if seconds := d % time.Minute; seconds > 0 {
		b.WriteString(strconv.FormatFloat(seconds.Seconds(), 'f', -1, 64) + "S")
	}
	return b.String()
}
