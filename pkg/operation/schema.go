package operation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// payloadSchema checks payloads against a JSON Schema (draft 2020-12 unless
// the schema says otherwise).
type payloadSchema struct {
	source map[string]any
	schema *jsonschema.Schema
}

func newPayloadSchema(source map[string]any) (*payloadSchema, error) {
	if source == nil {
		return nil, nil
	}
	schema, err := compile(source)
	if err != nil {
		return nil, atKey("schema", "%w", err)
	}
	return &payloadSchema{source: source, schema: schema}, nil
}

// compile compiles a schema that refers to nothing outside itself.
func compile(source map[string]any) (*jsonschema.Schema, error) {
	const url = "schema:this"
	document, err := jsonDocument(source)
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(url, document); err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	schema, err := compiler.Compile(url)
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		list := violations(invalid.Err)
		return nil, fmt.Errorf("is not a JSON Schema: %w", &Violations{List: list[:1]})
	}
	if err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	return schema, nil
}

// jsonDocument turns what YAML gave into what the schema compiler takes.
func jsonDocument(source any) (any, error) {
	text, err := json.Marshal(source)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

func (s *payloadSchema) validate(payload []byte) error {
	document, err := readDocument(payload)
	if err != nil {
		return invalid(job.CodeInvalidPayload, "The payload is not JSON.", Violation{Detail: err.Error()})
	}
	if hasExtremeNumber(document) {
		list := extremeNumbers(document, nil)
		return invalid(job.CodeInvalidPayload, "The payload has a number out of range.", list...)
	}
	if list := violations(s.schema.Validate(document)); list != nil {
		return invalid(job.CodeInvalidPayload, "The payload does not fit the operation's schema.", list...)
	}
	return nil
}
