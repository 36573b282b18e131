package acceptor

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
	"github.com/asyncreply/asyncreply/pkg/web"
)

func unknownOperation(name string, known []string) error {
	detail := fmt.Sprintf("There is no operation %.80q. There are: %s.", name, strings.Join(known, ", "))
	return web.NewProblem(job.CodeUnknownOperation, detail).With("operations", known)
}

func tooLarge(o *operation.Operation) error {
	detail := fmt.Sprintf("The payload is larger than %s takes: %d bytes.", o.Name, o.MaxPayload)
	return web.NewProblem(job.CodePayloadTooLarge, detail).With("maxPayload", o.MaxPayload)
}

func queryTooLong() error {
	p := web.NewProblem(job.CodeInvalidRequest, fmt.Sprintf("The query string is longer than %d bytes.", maxQuery))
	p.Status = http.StatusRequestURITooLong
	return p
}

// unsupportedType says in Accept-Post what is taken instead (W3C Linked Data
// Platform, section 7.1).
func unsupportedType(header string, o *operation.Operation) error {
	accepted := strings.Join(o.ContentTypes, ", ")
	if accepted == "" {
		accepted = "*/*"
	}
	detail := fmt.Sprintf("%s does not take %.80q. It takes: %s.", o.Name, header, accepted)
	return web.NewProblem(job.CodeUnsupportedMediaType, detail).WithHeader("Accept-Post", accepted)
}

// unsupportedCoding says in Accept-Encoding what is taken instead (RFC 9110,
// section 15.5.16).
func unsupportedCoding(coding string) error {
	detail := fmt.Sprintf("The content coding %.80q is not taken. Send the payload as it is.", coding)
	return web.NewProblem(job.CodeUnsupportedMediaType, detail).WithHeader("Accept-Encoding", "identity")
}

// busy is a 503 with Retry-After.
func busy(detail string, cause error) error {
	p := web.NewProblem(job.CodeServerBusy, detail)
	p.Err = cause
	return p
}
