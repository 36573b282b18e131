package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/check"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/foreign"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/load"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/witness"
)

// foreignEvery is how often the other program puts a message into the queue.
const foreignEvery = 400 * time.Millisecond

// openForeign makes the other program, whose victims are jobs of the journal.
func (s *system) openForeign(journal *witness.Journal) (err error) {
	s.foreign, err = foreign.Open(foreign.Options{
		ConnectionString: s.azure.Broker().ConnectionString(), Queue: queueName,
		Seed: s.seed, Every: foreignEvery, Work: load.OperationWork, Poison: load.OperationPoison,
		Victim: func(ctx context.Context) (string, bool) { return s.victim(ctx, journal) },
	})
	return err
}

// victim finds a job that is running and will for a while.
func (s *system) victim(ctx context.Context, journal *witness.Journal) (string, bool) {
	promises := journal.Promises()
	for i := len(promises) - 1; i >= 0 && i >= len(promises)-100; i-- {
		p := promises[i]
		if p.Kind != witness.Slow || len(p.Sightings) > 0 {
			continue
		}
		row, there, err := s.stored.Row(ctx, p.ID)
		if err == nil && there && row.State == "Running" {
			return p.ID, true
		}
	}
	return "", false
}

// promised writes the other program's own jobs down as if their messages had
// got a 202: they have to come to an end as others do.
func (s *system) promised() *witness.Journal {
	journal := witness.NewJournal()
	for _, sent := range s.foreign.Sent() {
		if sent.ID == "" {
			continue
		}
		digest := sha256.Sum256(sent.Payload)
		journal.Accept(witness.Promise{
			ID: sent.ID, Kind: sent.Kind, At: time.Now(), Payload: hex.EncodeToString(digest[:]),
			StatusURL: "http://" + s.back.Addr() + "/api/RequestStatus/" + sent.ID,
		})
	}
	return journal
}

// auditForeign asks about the other program's jobs once they have ended: until
// a worker has taken one up, the status service does not know it.
func (s *system) auditForeign(ctx context.Context) {
	s.guests = s.promised()
	for _, p := range s.guests.Promises() {
		for ctx.Err() == nil {
			row, _, err := s.stored.Row(ctx, p.ID)
			if err == nil && check.Terminal(row.State) {
				break
			}
			sleepFor(ctx, 50*time.Millisecond)
		}
	}
	asking := load.New(load.Options{Seed: s.seed, Journal: s.guests})
	defer asking.Close()
	asking.Audit(ctx)
}

// judgeForeign judges what became of the other program's messages.
func (s *system) judgeForeign(ctx context.Context) (*check.Verdict, error) {
	verdict, err := check.Check(ctx, s.guests, s.stored, &check.Options{MayGiveUp: s.deliveries > 0})
	if err != nil {
		return nil, err
	}
	buried, err := s.foreign.Buried(ctx)
	if err != nil {
		return nil, err
	}
	for _, sent := range s.foreign.Sent() {
		if _, there := buried[sent.MessageID]; sent.Buried() && !there {
			verdict.Wrong = append(verdict.Wrong, check.Finding{
				ID: sent.MessageID, Kind: sent.Kind, What: "it is not in the dead-letter queue",
			})
		}
	}
	return verdict, nil
}

// sentByKind gives how many messages of each kind were sent.
func (s *system) sentByKind() map[string]int {
	counts := map[string]int{}
	for _, sent := range s.foreign.Sent() {
		counts[string(sent.Kind)]++
	}
	return counts
}

// sleepFor waits, or until ctx is done.
func sleepFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
