package wire

import (
	"errors"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"
	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Conditions of Service Bus beside those of the standard
// (https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot).
const (
	condDeadLetter      amqp.Symbol = "com.microsoft:dead-letter"
	condLockLost        amqp.Symbol = "com.microsoft:message-lock-lost"
	condMessageNotFound amqp.Symbol = "com.microsoft:message-not-found"
	condEntityDisabled  amqp.Symbol = "com.microsoft:entity-disabled"
	condArgument        amqp.Symbol = "com.microsoft:argument-error"
)

func failure(condition amqp.Symbol, format string, args ...any) *amqp.Error {
	return &amqp.Error{Condition: condition, Description: fmt.Sprintf(format, args...)}
}

// amqpError gives the error that an SDK understands for one of the engine.
func amqpError(err error) *amqp.Error {
	condition := amqp.CondInternalError
	if own := (*amqp.Error)(nil); errors.As(err, &own) {
		return own
	}
	switch {
	case errors.Is(err, queue.ErrLockLost):
		return failure(condLockLost, "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.")
	case errors.Is(err, queue.ErrTooLarge):
		condition = amqp.CondMessageSizeExceeded
	case errors.Is(err, queue.ErrFull):
		condition = amqp.CondResourceLimitExceeded
	case errors.Is(err, queue.ErrDeleted):
		condition = amqp.CondResourceDeleted
	case errors.Is(err, queue.ErrDisabled):
		condition = condEntityDisabled
	case errors.Is(err, queue.ErrNotFound):
		condition = condMessageNotFound
	case errors.Is(err, queue.ErrNotAllowed):
		condition = amqp.CondNotAllowed
	case errors.Is(err, amqp.ErrMalformed):
		condition = amqp.CondDecodeError
	}
	return failure(condition, "%v", err)
}

// notFound is the error for an address without an entity.
func notFound(path string) *amqp.Error {
	return failure(amqp.CondNotFound, "The messaging entity '%.300s' could not be found.", path)
}

// statusCode gives the status by which $management answers an error of the engine.
func statusCode(condition amqp.Symbol) int32 {
	switch condition {
	case condLockLost:
		return 410
	case condMessageNotFound, amqp.CondNotFound, amqp.CondResourceDeleted:
		return 404
	case amqp.CondNotImplemented:
		return 501
	case amqp.CondInternalError:
		return 500
	case amqp.CondResourceLimitExceeded:
		return 403
	}
	return 400
}
