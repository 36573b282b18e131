//go:build failpoints

package main

import (
	"context"
	"io"
	"os"

	"github.com/asyncreply/asyncreply/cmd/internal/failpoint"
	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// withFailpoints has the acceptor come by its points before and after the
// send, the one moment that decides whether a request is accepted, and around
// what it may write before.
func withFailpoints(o acceptor.Options) (acceptor.Options, error) {
	points, err := failpoint.Parse(os.Getenv(failpoint.Variable))
	if err != nil {
		return o, err
	}
	failpoint.WatchVitals(os.Getenv(failpoint.VitalsVariable))
	o.Sender = &failingSender{Sender: o.Sender, points: points}
	o.Payloads = &failingPayloads{Payloads: o.Payloads, points: points}
	o.Reservations = &failingReservations{Reservations: o.Reservations, points: points}
	return o, nil
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

type failingPayloads struct {
	acceptor.Payloads
	points *failpoint.Points
}

func (p *failingPayloads) Put(ctx context.Context, name string, content io.Reader, properties job.BlobProperties) error {
	err := p.Payloads.Put(ctx, name, content, properties)
	if err == nil {
		p.points.At("acceptor.after-payload")
	}
	return err
}

type failingReservations struct {
	acceptor.Reservations
	points *failpoint.Points
}

func (r *failingReservations) Insert(ctx context.Context, reservation *job.Reservation) error {
	r.points.At("acceptor.before-reserve")
	err := r.Reservations.Insert(ctx, reservation)
	if err == nil {
		r.points.At("acceptor.after-reserve")
	}
	return err
}

func (r *failingReservations) Update(ctx context.Context, reservation *job.Reservation) error {
	r.points.At("acceptor.before-mark")
	return r.Reservations.Update(ctx, reservation)
}
