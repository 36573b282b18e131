package wire

import "github.com/asyncreply/asyncreply/pkg/emulator/internal/amqp"

// putToken answers a request to $cbs. Any token is accepted, as by Microsoft's emulator, but not for an entity that does not
// exist: SDKs learn from this answer that there is none.
func (s *Server) putToken(req *request) reply {
	switch req.text("operation") {
	case "put-token":
	case "delete-token":
		return reply{status: 202, description: "Accepted"}
	default:
		return refusal(failure(amqp.CondNotImplemented, "operation '%.100s' is not supported", req.text("operation")))
	}
	path, _ := parseAddress(req.text("name"))
	if path == "" {
		return reply{status: 202, description: "Accepted"}
	}
	if _, ok := s.opts.Namespace.Lookup(path); !ok {
		return refusal(notFound(path))
	}
	return reply{status: 202, description: "Accepted"}
}
