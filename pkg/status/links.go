package status

// links makes the absolute URLs in answers, from configuration and never from
// the Host header. Each keeps what the caller chose by the query string.
type links struct{ base string }

func (l links) status(id string, v variant) string {
	return l.base + pathStatus + id + v.query()
}

func (l links) operation(id string, v variant) string {
	return l.base + pathOperations + id + v.query()
}

func (l links) result(id string, v variant) string {
	return l.base + pathStatus + id + pathResult + v.resultQuery()
}
