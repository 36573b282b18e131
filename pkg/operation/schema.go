package operation

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// payloadSchema checks payloads against a JSON Schema (draft 2020-12 unless
// the schema says otherwise).
type payloadSchema struct {
	schema *jsonschema.Schema
}

func newPayloadSchema(source map[string]any) (*payloadSchema, error) {
	if source == nil {
		return nil, nil
	}
	schema, err := compile("schema", source)
	if err != nil {
		return nil, err
	}
	return &payloadSchema{schema: schema}, nil
}

// compile compiles a schema that refers to nothing outside itself.
func compile(name string, source map[string]any) (*jsonschema.Schema, error) {
	document, err := jsonDocument(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(name, document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return schema, nil
}

func (s *payloadSchema) validate(payload []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return invalid(job.CodeInvalidPayload, "The payload is not JSON.", Violation{Detail: err.Error()})
	}
	if list := violations(s.schema.Validate(document)); list != nil {
		return invalid(job.CodeInvalidPayload, "The payload does not fit the operation's schema.", list...)
	}
	return nil
}

// violations flattens a validation error into its leaves.
func violations(err error) []Violation {
	if err == nil {
		return nil
	}
	top, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return []Violation{{Detail: err.Error()}}
	}
	var list []Violation
	printer := message.NewPrinter(language.English)
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			list = append(list, Violation{Pointer: pointer(e.InstanceLocation), Detail: e.ErrorKind.LocalizedString(printer)})
		}
	}
	walk(top)
	return list
}

// pointer writes a JSON Pointer (RFC 6901).
func pointer(location []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, token := range location {
		b.WriteString("/" + escape.Replace(token))
	}
	return b.String()
}
