// Package client calls services that answer by the Asynchronous Request-Reply
// pattern: it submits a job, follows it, and fetches its result, in one call
// ([Client.Do], [Call]) or in steps ([Client.Submit], [Job.Wait],
// [Job.Result]). It depends on the standard library only.
//
// # One job for each Submit
//
// A request carries an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header),
// so that it is one job however often the network makes the client send it.
// A caller that keeps the key of its own may send a request again even after a
// restart.
//
// # What is retried
//
// What failed for a passing reason is sent again, later each time, until it has
// failed for [Options.RetryFor] without a break: lost connections, answers
// that did not come, and 408, 429, 500, 502, 503 and 504. Retry-After is
// honoured, and never undercut. A request without Idempotency-Key is sent
// again only if it was not taken for certain: by 429, or where there was no
// connection. A payload that cannot be read again is sent once.
//
// # Waiting
//
// The client asks the status service to hold its answer until there is news
// (Prefer: wait, RFC 7240). Where the service does not, the client polls at the
// pace of its Retry-After plus a random part, so that clients that started
// together do not stay together. A context that ends ends the wait, not the
// job; [Job.Cancel] does that.
//
// # After a restart
//
// [Job.Token] is a string to be kept. [Client.Resume] makes the job of it
// again, in any process.
//
// # Results
//
// A result streams from storage through a valet key, a link that works for some
// minutes. A download that breaks off goes on where it broke, with a fresh link
// if need be, and at its end the digest is checked: a result that was read to
// [io.EOF] is the one that the worker wrote. What [Options.Prepare] adds to
// requests, such as an Authorization header, never reaches storage.
//
// # Errors
//
// What the services refuse, and how a job failed, is a [*Problem] (RFC 9457)
// with a stable code; [IsFailed], [IsCanceled] and others ask about it, and so
// does errors.Is(err, job.ErrNotFound). A [*PendingError] has the job that a
// call lost sight of.
package client
