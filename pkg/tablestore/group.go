package tablestore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/pkg/internal/gather"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// What one transaction takes:
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
const (
	maxEntities = 100
	maxBytes    = 4 << 20
	headBytes   = 2 << 10 // more than what goes along with an entity
)

// apartInFlight is how many writes of a refused transaction are made at a time.
const apartInFlight = 8

// newWrites makes the group in which writes of one partition that meet go as
// one transaction. None waits longer than patience for one that hangs.
func (s *Store) newWrites(patience time.Duration) *gather.Group[partition, *write] {
	return gather.New[partition](gather.Options[*write]{Do: s.doWrites, Fit: fitting, Patience: patience})
}

// fitting gives how many of the first writes one transaction takes: no row
// may be in it twice.
func fitting(waiting []*write) int {
	rows := make(map[job.ID]bool, min(len(waiting), maxEntities))
	size := 0
	for i, w := range waiting {
		size += len(w.entity) + headBytes
		if i == maxEntities || size > maxBytes || rows[w.id] {
			return i
		}
		rows[w.id] = true
	}
	return len(waiting)
}

// doWrites makes some writes of one partition, in one transaction if they are
// several. Each gets the answer that it would have got by itself: when the
// transaction is refused because of one of them, all are made one by one.
func (s *Store) doWrites(writes []*write) {
	writes = wanted(writes)
	if len(writes) == 0 {
		return
	}
	if len(writes) == 1 {
		s.doWrite(writes[0])
		return
	}
	versions, err := s.submit(writes)
	switch {
	case err == nil:
		for i, w := range writes {
			w.answer <- answer{version: versions[i]}
		}
	case errors.Is(err, errRefused):
		s.doApart(writes)
	default:
		for _, w := range writes {
			w.answer <- answer{err: w.failed(err)}
		}
	}
}

// wanted leaves the writes out whose callers have gone.
func wanted(writes []*write) []*write {
	still := writes[:0:0]
	for _, w := range writes {
		if w.ctx.Err() == nil {
			still = append(still, w)
		}
	}
	return still
}

func (s *Store) doApart(writes []*write) {
	var group errgroup.Group
	group.SetLimit(apartInFlight)
	for _, w := range writes {
		group.Go(func() error {
			s.doWrite(w)
			return nil
		})
	}
	_ = group.Wait() // each write has its own answer
}

// errRefused says that the service has refused a transaction, or has answered
// in a way that does not tell what became of it.
var errRefused = errors.New("the transaction was refused")

// submit makes writes in one transaction and gives their new versions.
func (s *Store) submit(writes []*write) ([]string, error) {
	actions := make([]aztables.TransactionAction, len(writes))
	for i, w := range writes {
		actions[i] = w.action()
	}
	ctx, cancel := together(callers(writes))
	defer cancel()
	var response *http.Response
	_, err := s.table(writes[0].id.Day()).SubmitTransaction(policy.WithCaptureResponse(ctx, &response), actions, nil)
	switch {
	case response != nil && response.StatusCode == http.StatusAccepted:
		// what became of it is in the body
	case err == nil || isBusy(ctx, err):
		return nil, err
	default:
		return nil, errRefused
	}
	versions := versionsIn(response)
	if err != nil || len(versions) != len(writes) {
		return nil, errRefused
	}
	return versions, nil
}

func isBusy(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(translate(ctx, "write jobs", err), job.ErrBusy)
}

func callers(writes []*write) []context.Context {
	all := make([]context.Context, len(writes))
	for i, w := range writes {
		all[i] = w.ctx
	}
	return all
}

// versionsIn gives the ETags in the answer to a transaction, in the order of
// its actions. It gives nil if one was not done. An action's answer is an HTTP
// response without a body.
func versionsIn(response *http.Response) []string {
	body, err := runtime.Payload(response)
	if err != nil {
		return nil
	}
	var versions []string
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		line := lines.Text()
		if status, ok := strings.CutPrefix(line, "HTTP/1.1 "); ok && !strings.HasPrefix(status, "2") {
			return nil
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "ETag") {
			versions = append(versions, strings.TrimSpace(value))
		}
	}
	return versions
}
