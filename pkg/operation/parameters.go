package operation

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// parameters are the declared parameters of the query string, each with a
// JSON Schema for its value. Beside JSON Schema's own keywords, "default"
// fills in an absent parameter and "required: true" demands one.
type parameters struct {
	source   map[string]any
	declared map[string]parameter
	absent   string // what no query string is normalised to
	optional bool   // there need not be one
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
	p := &parameters{source: source, declared: map[string]parameter{}}
	for _, name := range slices.Sorted(maps.Keys(source)) {
		declared, err := newParameter(source[name])
		if err != nil {
			return nil, atKey("parameters."+name, "%w", err)
		}
		p.declared[name] = declared
	}
	var err error
	p.absent, err = p.fill(url.Values{})
	p.optional = err == nil
	return p, nil
}

func newParameter(source any) (parameter, error) {
	keywords, ok := source.(map[string]any)
	if !ok {
		return parameter{}, errors.New("is not a JSON Schema object such as {type: integer}")
	}
	p := parameter{kind: "string"}
	keywords = maps.Clone(keywords)
	if required, ok := keywords["required"]; ok {
		if p.required, ok = required.(bool); !ok {
			return parameter{}, errors.New("required is not true or false")
		}
		delete(keywords, "required")
	}
	if kind, ok := keywords["type"]; ok {
		p.kind = fmt.Sprint(kind)
	}
	switch p.kind {
	case "string", "integer", "number", "boolean":
	default:
		return parameter{}, fmt.Errorf("type %q is not string, integer, number or boolean", p.kind)
	}
	keywords["type"] = p.kind
	var err error
	if p.schema, err = compile(keywords); err != nil {
		return parameter{}, err
	}
	return p, p.setDefault(keywords["default"])
}

func (p *parameter) setDefault(value any) error {
	if value == nil {
		return nil
	}
	text, list := p.check("default", fmt.Sprint(value))
	if list != nil {
		return &Violations{List: list}
	}
	p.byAbsent = text
	return nil
}

// normalise checks a query string and gives it with defaults filled in,
// sorted by name.
func (p *parameters) normalise(rawQuery string) (string, error) {
	if rawQuery == "" && (p == nil || p.optional) {
		return p.ofNoQuery(), nil
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", invalid(job.CodeInvalidParameter, "The query string is malformed.", Violation{Detail: err.Error()})
	}
	if p == nil {
		return query.Encode(), nil
	}
	return p.fill(query)
}

func (p *parameters) ofNoQuery() string {
	if p == nil {
		return ""
	}
	return p.absent
}

// fill checks the parameters and adds defaults.
func (p *parameters) fill(query url.Values) (string, error) {
	list := p.strangers(query)
	for _, name := range slices.Sorted(maps.Keys(p.declared)) {
		one := p.declared[name]
		switch {
		case len(query[name]) > 1:
			list = append(list, Violation{Name: name, Detail: "is given more than once"})
		case query.Has(name):
			text, wrong := one.check(name, query.Get(name))
			list = append(list, wrong...)
			query.Set(name, text)
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

// strangers lists what is not declared.
func (p *parameters) strangers(query url.Values) []Violation {
	var list []Violation
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if _, ok := p.declared[name]; !ok {
			list = append(list, Violation{Name: name, Detail: "is not a parameter of this operation"})
		}
	}
	return list
}

// check validates one value and gives it in its canonical form.
func (p *parameter) check(name, text string) (string, []Violation) {
	value, err := p.value(text)
	if err != nil {
		return "", []Violation{{Name: name, Detail: err.Error()}}
	}
	list := violations(p.schema.Validate(value))
	for i := range list {
		list[i].Pointer, list[i].Name = "", name
	}
	return fmt.Sprint(value), list
}

// jsonNumber is the grammar of RFC 8259, section 6.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// value reads the text of a parameter as its type says.
func (p *parameter) value(text string) (any, error) {
	switch p.kind {
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not an integer", text)
		}
		return json.Number(strconv.FormatInt(n, 10)), nil
	case "number":
		if !jsonNumber.MatchString(text) || isExtreme(text) {
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
