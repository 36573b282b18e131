package emulator

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// adminError is an error of the management API. Clients look at the status and, to tell conflicts apart, at the sub-code.
type adminError struct {
	status  int
	subCode string
	detail  string
}

func (e *adminError) Error() string { return e.detail }

// errorDocument is the body of an error answer.
type errorDocument struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Detail  string
}

// describeError gives the answer for an error of the engine or of a request.
func describeError(err error) (int, *errorDocument) {
	e := &adminError{http.StatusInternalServerError, "50000", err.Error()}
	switch {
	case errors.As(err, &e):
	case errors.Is(err, queue.ErrNotFound):
		e.status, e.subCode = http.StatusNotFound, "40400"
	case errors.Is(err, queue.ErrExists):
		e.status, e.subCode = http.StatusConflict, "40900"
	case errors.Is(err, queue.ErrInvalid):
		e.status, e.subCode = http.StatusBadRequest, "40000"
	case errors.Is(err, queue.ErrDeleted):
		e.status, e.subCode = http.StatusServiceUnavailable, "50300"
	}
	detail := "SubCode=" + e.subCode + ". " + e.detail + ". Timestamp:" + time.Now().UTC().Format("2006-01-02T15:04:05")
	return e.status, &errorDocument{Code: strconv.Itoa(e.status), Detail: detail}
}
