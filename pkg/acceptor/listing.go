package acceptor

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/operation"
)

// Description is what a caller needs to know about an operation.
type Description struct {
	Name         string         `json:"name"`
	Description  string         `json:"description,omitempty"`
	Path         string         `json:"path"`                   // to POST to
	ContentTypes []string       `json:"contentTypes,omitempty"` // none: any
	MaxPayload   int64          `json:"maxPayload"`             // bytes
	Parameters   map[string]any `json:"parameters,omitempty"`   // of the query string, each a JSON Schema; none: any
	Schema       map[string]any `json:"schema,omitempty"`       // JSON Schema of the payload
}

func describe(o *operation.Operation) Description {
	return Description{
		Name:         o.Name,
		Description:  o.Description,
		Path:         "/api/" + o.Name,
		ContentTypes: o.ContentTypes,
		MaxPayload:   o.MaxPayload,
		Parameters:   o.Parameters(),
		Schema:       o.Schema(),
	}
}

// list answers GET /api.
func (a *Acceptor) list(c echo.Context) error {
	all := []Description{}
	for _, name := range a.options.Operations.Names() {
		if o, ok := a.options.Operations.Lookup(name); ok {
			all = append(all, describe(o))
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"operations": all})
}

// describe answers GET /api/{operation}.
func (a *Acceptor) describe(c echo.Context) error {
	o, err := a.lookup(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, describe(o))
}
