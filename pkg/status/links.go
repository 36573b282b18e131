package status

import "github.com/asyncreply/asyncreply/pkg/job"

// links makes the absolute URLs in answers, from configuration and never from
// the Host header. Each keeps what the caller chose by the query string.
type links struct{ base string }

func (l links) status(id job.ID, v variant) string {
	return l.base + pathStatus + id.String() + v.query()
}

func (l links) operation(id job.ID, v variant) string {
	return l.base + pathOperations + id.String() + v.query()
}

func (l links) result(id job.ID, v variant) string {
	return l.base + pathStatus + id.String() + pathResult + v.resultQuery()
}
