// Package worker does the jobs: it receives their messages, claims them,
// runs their handlers, keeps their results and settles the messages.
//
// A handler sees a [Job] and says by its error what becomes of it; see
// [Handler]. Handlers are registered in a [Mux] under the name of their
// operation and run by a [Worker].
package worker
