// Package status answers the callers of the Asynchronous Request-Reply
// pattern after their 202: it tells how a job stands, redirects to the result
// with a valet key, and cancels.
//
// # Resources
//
//	GET    /api/RequestStatus/{id}         202 pending, 302 to the result, 422 failed, 409 canceled
//	DELETE /api/RequestStatus/{id}         cancels: 202, or 200 if the job had ended
//	GET    /api/RequestStatus/{id}/result  302 to the result, 409 while pending
//	GET    /api/RequestStatus/{id}/events  Server-Sent Events
//	GET    /api/operations/{id}            status monitor as Azure's clients expect it, always 200
//
// An id that names no job, or somebody else's, is a 404; one past its
// retention a 410. How a caller wants a result is chosen by the query
// parameter onComplete (redirect, stream or json), and whether a pending job
// is waited for by Prefer: wait=N (RFC 7240) or onPending=synchronous.
//
// # What is known without looking
//
// An id is a ticket (package job): it says when it was issued and that it is
// genuine. So a genuine id without a record is a job that still waits in its
// queue, until the longest queue timeout has passed: then its message is gone
// and the job counts as failed with [job.CodeExpired]. Of an id that is not
// genuine the record alone decides, because a message that another program
// put into the queue may carry any id.
//
// # When to come back
//
// Retry-After is what [Options.Estimate] says, in 1 to 60 s. For one who waits
// the job is looked at at once, or for a job that was submitted a moment ago when jobs like
// it have ended, and then at intervals of a tenth of the job's age, from 10 ms to
// 1 s.
//
// # What a look costs
//
// A terminal record never changes and is kept; only a failed one is looked at
// again after ten seconds, because an operator may put its job back to be tried
// again. Any other answer of the store stands for a second (less for those who
// wait). Concurrent looks at one job
// share one read.
package status
