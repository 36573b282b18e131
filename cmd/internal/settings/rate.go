package settings

import (
	"errors"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/web"
)

// Rate is the part of a configuration that bounds how often a caller may ask.
type Rate struct {
	Limit float64 `env:"RATE_LIMIT" envDefault:"0" help:"requests a second that one caller may make on average; one more is answered with 429; 0 for any number"`
	Burst int     `env:"RATE_LIMIT_BURST" envDefault:"0" help:"requests that one caller may make at once; 0 for those of two seconds"`
}

// maxRate is more than one service can answer.
const maxRate = 1e6

// Check gives an error that names each wrong setting.
func (r *Rate) Check() error {
	var wrong []error
	if !(r.Limit >= 0 && r.Limit <= maxRate) { // NaN is neither
		wrong = append(wrong, Wrong("RATE_LIMIT", fmt.Errorf("%g is not between 0 and %g", r.Limit, float64(maxRate))))
	}
	if r.Burst < 0 {
		wrong = append(wrong, Wrong("RATE_LIMIT_BURST", fmt.Errorf("%d is negative", r.Burst)))
	}
	return errors.Join(wrong...)
}

// Limiter gives nil if there is no limit.
func (r *Rate) Limiter() *web.Limiter {
	return web.NewLimiter(web.LimiterOptions{Rate: r.Limit, Burst: r.Burst})
}
