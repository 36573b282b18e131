// Package builtin has the handlers that the stock worker knows by name:
// customer, the sample of the pattern itself, thumbnail and csv-profile. They
// are useful as they are, and examples of how to write one.
package builtin

import (
	"context"
	"io"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// Names of the handlers, as the operations file names them.
const (
	NameCustomer   = "customer"
	NameThumbnail  = "thumbnail"
	NameCSVProfile = "csv-profile"
)

// Register puts all handlers of this package into mux.
func Register(mux *worker.Mux) {
	mux.Handle(NameCustomer, Customer())
	mux.Handle(NameThumbnail, Thumbnail())
	mux.Handle(NameCSVProfile, CSVProfile())
}

// unfit fails a job for good because its payload is not what it should be.
func unfit(message string, cause error) error {
	return worker.Permanent(&job.Error{Code: job.CodeInvalidPayload, Message: message, Err: cause})
}

// unfitParameter fails a job for good because of one of its parameters. The
// acceptor refuses such a request if the operations file declares the
// parameter as the shipped one does.
func unfitParameter(message string) error {
	return worker.Permanent(&job.Error{Code: job.CodeInvalidParameter, Message: message})
}

// source is the payload of a job. It ends with the context, for decoders know
// of none, and remembers why it broke off, so that a broken connection is not
// taken for a broken payload.
type source struct {
	ctx    context.Context
	reader io.Reader
	err    error
}

// Read implements [io.Reader].
func (s *source) Read(p []byte) (int, error) {
	if s.err = context.Cause(s.ctx); s.err != nil {
		return 0, s.err
	}
	n, err := s.reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
