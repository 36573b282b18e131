//go:build failpoints

package main

import (
	"context"
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/failpoint"
	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// withFailpoints has the acceptor come by its points before and after the
// send, the one moment that decides whether a request is accepted.
func withFailpoints(s acceptor.Sender) (acceptor.Sender, error) {
	points, err := failpoint.Parse(os.Getenv(failpoint.Variable))
	if err != nil {
		return nil, err
	}
	failpoint.WatchVitals(os.Getenv(failpoint.VitalsVariable))
	return &failingSender{Sender: s, points: points}, nil
}

type failingSender struct {
	acceptor.Sender
	points *failpoint.Points
}

func (s *failingSender) Send(ctx context.Context, m *job.Message) error {
	s.points.At("acceptor.before-send")
	err := s.Sender.Send(ctx, m)
	if err == nil {
		s.points.At("acceptor.after-send")
	}
	return err
}
