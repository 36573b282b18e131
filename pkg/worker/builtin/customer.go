package builtin

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncreply/asyncreply/pkg/worker"
)

const (
	maxCustomerDuration = time.Minute
	customerSteps       = 20
)

// customer is the request of the pattern's sample.
type customer struct {
	ID           string `json:"id"`
	CustomerName string `json:"customername"`
}

// processedCustomer is what becomes of it.
type processedCustomer struct {
	customer
	RequestGUID string    `json:"requestGuid"`
	Attempt     int       `json:"attempt"`
	SubmittedAt time.Time `json:"submittedAt"`
	ProcessedAt time.Time `json:"processedAt"`
}

// Customer makes the handler of the pattern's own sample: JSON with a
// non-empty id and customername in, JSON out. The parameter duration, "0s" to
// "1m", is how long it pretends to work, with progress, for demonstrations.
func Customer() worker.Handler {
	return worker.JSON(func(ctx context.Context, j *worker.Job, in customer) (*processedCustomer, error) {
		if in.ID == "" || in.CustomerName == "" {
			return nil, unfit("The payload needs a non-empty id and customername.", nil)
		}
		if err := pretend(ctx, j); err != nil {
			return nil, err
		}
		return &processedCustomer{
			customer: in, RequestGUID: j.ID.String(), Attempt: j.Attempt,
			SubmittedAt: j.SubmittedAt, ProcessedAt: time.Now().UTC(),
		}, nil
	})
}

// pretend takes as long as the job asks for.
func pretend(ctx context.Context, j *worker.Job) error {
	text := j.Parameters.Get("duration")
	if text == "" {
		return nil
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration < 0 || duration > maxCustomerDuration {
		return unfitParameter("The parameter duration is not a duration between 0s and 1m.")
	}
	for step := range customerSteps {
		j.Progress(float64(step)/customerSteps*100, fmt.Sprintf("step %d of %d", step+1, customerSteps))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(duration / customerSteps):
		}
	}
	return nil
}
