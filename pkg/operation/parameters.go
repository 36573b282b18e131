package operation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// parameters are the declared parameters of the query string, each with a
// JSON Schema for its value. Beside JSON Schema's own keywords, "default"
// fills in an absent parameter and "required: true" demands one.
type parameters struct {
	declared map[string]parameter
}

type parameter struct {
	kind     string // JSON Schema type: string, integer, number or boolean
	byAbsent string // default as text, or ""
	required bool
	schema   *jsonschema.Schema
}

func newParameters(source map[string]any) (*parameters, error) {
	if source == nil {
		return nil, nil
	}
	p := &parameters{declared: map[string]parameter{}}
	for name, one := range source {
		declared, err := newParameter(name, one)
		if err != nil {
			return nil, fmt.Errorf("parameters.%s: %w", name, err)
		}
		p.declared[name] = declared
	}
	return p, nil
}

func newParameter(name string, source any) (parameter, error) {
	keywords, ok := source.(map[string]any)
	if !ok {
		return parameter{}, fmt.Errorf("is not a JSON Schema object")
	}
	p := parameter{kind: "string"}
	rest := map[string]any{}
	for key, value := range keywords {
		switch key {
		case "type":
			p.kind = fmt.Sprint(value)
		case "required":
			if p.required, ok = value.(bool); !ok {
				return parameter{}, fmt.Errorf("required is not true or false")
			}
			continue
		case "default":
			p.byAbsent = fmt.Sprint(value)
		}
		rest[key] = value
	}
	switch p.kind {
	case "string", "integer", "number", "boolean":
	default:
		return parameter{}, fmt.Errorf("type %q is not string, integer, number or boolean", p.kind)
	}
	var err error
	if p.schema, err = compile(name, rest); err != nil {
		return parameter{}, err
	}
	if p.byAbsent != "" {
		if _, err := p.check(name, p.byAbsent); err != nil {
			return parameter{}, fmt.Errorf("default: %w", err)
		}
	}
	return p, nil
}

func (p *parameters) normalise(rawQuery string) (string, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", invalid(job.CodeInvalidParameter, "The query string is malformed.", Violation{Detail: err.Error()})
	}
	if p == nil {
		return query.Encode(), nil
	}
	var list []Violation
	for name, values := range query {
		if _, ok := p.declared[name]; !ok {
			list = append(list, Violation{Name: name, Detail: "is not a parameter of this operation"})
		} else if len(values) > 1 {
			list = append(list, Violation{Name: name, Detail: "is given more than once"})
		}
	}
	for name, one := range p.declared {
		text := query.Get(name)
		switch {
		case query.Has(name):
			wrong, err := one.check(name, text)
			if err != nil {
				list = append(list, wrong...)
			}
		case one.byAbsent != "":
			query.Set(name, one.byAbsent)
		case one.required:
			list = append(list, Violation{Name: name, Detail: "is missing"})
		}
	}
	if list != nil {
		return "", invalid(job.CodeInvalidParameter, "The query string does not fit the operation's parameters.", list...)
	}
	return query.Encode(), nil
}

// check validates one value; its error lists the same violations in one line.
func (p parameter) check(name, text string) ([]Violation, error) {
	value, err := p.value(text)
	if err != nil {
		list := []Violation{{Name: name, Detail: err.Error()}}
		return list, &Violations{List: list}
	}
	list := violations(p.schema.Validate(value))
	if list == nil {
		return nil, nil
	}
	for i := range list {
		list[i].Pointer, list[i].Name = "", name
	}
	return list, &Violations{List: list}
}

func (p parameter) value(text string) (any, error) {
	switch p.kind {
	case "integer":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("%.40q is not an integer", text)
		}
		return json.Number(text), nil
	case "number":
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%.40q is not a number", text)
		}
		return json.Number(text), nil
	case "boolean":
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("%.40q is not true or false", text)
		}
		return text == "true", nil
	}
	return text, nil
}

// jsonDocument turns what YAML gave into what the schema compiler takes.
func jsonDocument(source any) (any, error) {
	text, err := json.Marshal(source)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}
