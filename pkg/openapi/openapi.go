// Package openapi describes the HTTP services as OpenAPI 3.1 documents, and
// serves the descriptions.
//
// What does not change is written in YAML files; the operations that an
// acceptor offers are added from its operations file, with their parameters
// and schemas. The package's tests hold the documents against the routes and
// the answers of the running services.
package openapi

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/operation"
)

//go:embed acceptor.yaml status.yaml common.yaml
var files embed.FS

// Path is where a service serves its description.
const Path = "/openapi.json"

// Description is an OpenAPI document.
type Description struct{ text []byte }

// Acceptor describes an acceptor of that version which offers operations.
func Acceptor(operations *operation.Set, version string) (*Description, error) {
	document, err := load("acceptor.yaml", version)
	if err != nil {
		return nil, err
	}
	paths := document["paths"].(map[string]any)
	every := paths["/api/{operation}"].(map[string]any)
	described, submitted := responses(every, "get"), responses(every, "post")
	for _, name := range operations.Names() {
		if o, ok := operations.Lookup(name); ok {
			paths["/api/"+name] = pathItem(o, described, submitted)
		}
	}
	return encode(document)
}

func responses(pathItem map[string]any, method string) any {
	return pathItem[method].(map[string]any)["responses"]
}

// Status describes a status service of that version.
func Status(version string) (*Description, error) {
	document, err := load("status.yaml", version)
	if err != nil {
		return nil, err
	}
	return encode(document)
}

// JSON gives the document.
func (d *Description) JSON() []byte { return d.text }

// Register adds the route.
func (d *Description) Register(e *echo.Echo) {
	e.Match([]string{http.MethodGet, http.MethodHead}, Path, func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
		return c.JSONBlob(http.StatusOK, d.text)
	})
}

// load reads a document and adds what all have in common.
func load(name, version string) (map[string]any, error) {
	document, err := read(name)
	if err != nil {
		return nil, err
	}
	common, err := read("common.yaml")
	if err != nil {
		return nil, err
	}
	document["info"].(map[string]any)["version"] = version
	components := document["components"].(map[string]any)
	for kind, shared := range common {
		own, _ := components[kind].(map[string]any)
		merged := maps.Clone(shared.(map[string]any))
		maps.Copy(merged, own)
		components[kind] = merged
	}
	return document, nil
}

func read(name string) (map[string]any, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("openapi: %s: %w", name, err)
	}
	return document, nil
}

func encode(document map[string]any) (*Description, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return &Description{text: []byte(text.String())}, nil
}
