package tablestore

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// write is an entity on its way to the service.
type write struct {
	ctx    context.Context
	id     job.ID
	entity []byte
	over   string      // the version that it replaces; "": it is to be new
	answer chan answer // takes one
}

// answer is what became of a write.
type answer struct {
	version string // now stored
	err     error
}

// write stores an entity over a version and gives the new one. It goes by
// itself unless a write of the same partition is under way: then it goes with
// those that come meanwhile.
func (s *Store) write(ctx context.Context, id job.ID, entity []byte, over string) (version string, err error) {
	w := &write{ctx: ctx, id: id, entity: entity, over: over, answer: make(chan answer, 1)}
	s.writes.Add(partitionOf(id), w)
	select {
	case a := <-w.answer:
		return a.version, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-w.answer:
		return a.version, a.err
	default:
		return "", ctx.Err()
	}
}

// doWrite makes one write by itself.
func (s *Store) doWrite(w *write) {
	var a answer
	if w.over == "" {
		a.version, a.err = s.add(w)
	} else {
		a.version, a.err = s.replace(w)
	}
	w.answer <- a
}

// failed gives the answer to a write whose call of the SDK failed.
func (w *write) failed(err error) error {
	verb := "insert"
	if w.over != "" {
		verb = "update"
	}
	return translate(w.ctx, verb+" job "+w.id.String(), err)
}

// nothingBack has the service not send a new entity back.
var nothingBack = http.Header{"Prefer": {"return-no-content"}}

// add makes the day's table, too, if this is its first record.
func (s *Store) add(w *write) (version string, err error) {
	table := s.table(w.id.Day())
	ctx := policy.WithHTTPHeader(w.ctx, nothingBack)
	response, err := table.AddEntity(ctx, w.entity, nil)
	if isNotFound(err) {
		if err := s.createTable(w.ctx, w.id.Day()); err != nil {
			return "", err
		}
		response, err = table.AddEntity(ctx, w.entity, nil)
	}
	return string(response.ETag), w.failed(err)
}

func (s *Store) replace(w *write) (version string, err error) {
	over := azcore.ETag(w.over)
	response, err := s.table(w.id.Day()).UpdateEntity(w.ctx, w.entity, &aztables.UpdateEntityOptions{
		IfMatch:    &over, // nil would mean any version
		UpdateMode: aztables.UpdateModeReplace,
	})
	return string(response.ETag), w.failed(err)
}

// action gives the write as part of a transaction.
func (w *write) action() aztables.TransactionAction {
	if w.over == "" {
		return aztables.TransactionAction{ActionType: aztables.TransactionTypeAdd, Entity: w.entity}
	}
	over := azcore.ETag(w.over)
	return aztables.TransactionAction{ActionType: aztables.TransactionTypeUpdateReplace, Entity: w.entity, IfMatch: &over}
}
