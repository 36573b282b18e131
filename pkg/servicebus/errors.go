package servicebus

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/asyncreply/asyncreply/pkg/job"
)

var (
	errClosed  = errors.New("closed")
	errTooMany = errors.New("too many messages are waiting")

	// errDetached ends a line over which the SDK ends one receive after another
	// without a word: it attaches again after most reasons of a broker to detach,
	// but goes on with the dead link after com.microsoft:server-busy.
	errDetached = errors.New("the broker has detached the receiver")
)

// translate turns an error of the SDK into one of the domain. It passes nil
// on, and the end of ctx.
func translate(ctx context.Context, action string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil && errors.Is(err, cause) {
		return err
	}
	switch {
	case hasCode(err, azservicebus.CodeLockLost):
		return job.ErrLockLost
	case isTooLarge(err):
		return &job.Error{Code: job.CodePayloadTooLarge, Message: action, Err: err}
	case isNotFound(err):
		return &job.Error{Code: job.CodeNotFound, Message: action, Err: err}
	default:
		return busy(action, err)
	}
}

func busy(action string, cause error) error {
	return &job.Error{Code: job.CodeServerBusy, Message: action, Err: cause}
}

func hasCode(err error, code azservicebus.Code) bool {
	e, ok := errors.AsType[*azservicebus.Error](err)
	return ok && e.Code == code
}

func hasCondition(err error, condition amqp.ErrCond) bool {
	e, ok := errors.AsType[*amqp.Error](err)
	return ok && e.Condition == condition
}

func isNotFound(err error) bool {
	return hasCode(err, azservicebus.CodeNotFound) || hasCondition(err, amqp.ErrCondNotFound)
}

func isTooLarge(err error) bool {
	return errors.Is(err, azservicebus.ErrMessageTooLarge) || hasCondition(err, amqp.ErrCondMessageSizeExceeded)
}

// isTimeout reports whether a call ended without an answer.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// isLost reports whether the SDK has given a connection or its right to the
// queue up.
func isLost(err error) bool {
	return hasCode(err, azservicebus.CodeConnectionLost) || hasCode(err, azservicebus.CodeClosed) ||
		hasCode(err, azservicebus.CodeUnauthorizedAccess) || isNotFound(err)
}
