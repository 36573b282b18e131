package operation

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/asyncreply/asyncreply/pkg/job"
)

var _ error = (*Violations)(nil)

// Violations lists what is wrong with a payload or a query.
type Violations struct {
	List []Violation
}

// Violation is one thing that is wrong.
type Violation struct {
	Pointer string `json:"pointer,omitempty"` // JSON Pointer (RFC 6901) to the offending or missing value in the payload
	Name    string `json:"name,omitempty"`    // name of the offending query parameter
	Detail  string `json:"detail"`
}

// Error joins the violations into one line.
func (v *Violations) Error() string {
	lines := make([]string, len(v.List))
	for i, one := range v.List {
		lines[i] = strings.TrimSpace(one.Pointer + one.Name + " " + one.Detail)
	}
	return strings.Join(lines, "; ")
}

func invalid(code job.Code, message string, list ...Violation) error {
	return &job.Error{Code: code, Message: message, Err: &Violations{List: list}}
}

// violations flattens a validation error into its leaves, in the order of
// their pointers.
func violations(err error) []Violation {
	if err == nil {
		return nil
	}
	top, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Violation{{Detail: err.Error()}}
	}
	list := leaves(top, nil)
	slices.SortStableFunc(list, func(a, b Violation) int { return cmp.Compare(a.Pointer, b.Pointer) })
	return slices.Compact(list)
}

func leaves(e *jsonschema.ValidationError, list []Violation) []Violation {
	for _, cause := range e.Causes {
		list = leaves(cause, list)
	}
	if len(e.Causes) > 0 {
		return list
	}
	return append(list, leaf(e)...)
}

// leaf describes one error of a schema. A missing or superfluous property is
// pointed at itself, not at the object that lacks or has it.
func leaf(e *jsonschema.ValidationError) []Violation {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(e.InstanceLocation, k.Missing, "is missing")
	case *kind.DependentRequired:
		return each(e.InstanceLocation, k.Missing, "is missing; "+k.Prop+" needs it")
	case *kind.AdditionalProperties:
		return each(e.InstanceLocation, k.Properties, "is not known here")
	case *kind.FalseSchema:
		return []Violation{{Pointer: pointer(e.InstanceLocation), Detail: "is not allowed"}}
	}
	text := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	return []Violation{{Pointer: pointer(e.InstanceLocation), Detail: text}}
}

func each(location, properties []string, detail string) []Violation {
	list := make([]Violation, len(properties))
	for i, name := range properties {
		list[i] = Violation{Pointer: pointer(append(slices.Clone(location), name)), Detail: detail}
	}
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

// maxNumberLength is the longest number literal that is looked at.
const maxNumberLength = 400

// hasExtremeNumber reports whether there is a number that no float64 can hold.
// RFC 8259, section 6, lets a receiver set such a limit; the schema validator
// computes with exact fractions, on which 1e999999 takes seconds.
func hasExtremeNumber(value any) bool {
	switch v := value.(type) {
	case json.Number:
		return isExtreme(string(v))
	case map[string]any:
		for _, member := range v {
			if hasExtremeNumber(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasExtremeNumber)
	}
	return false
}

// extremeNumbers lists those numbers.
func extremeNumbers(value any, location []string) []Violation {
	var list []Violation
	switch v := value.(type) {
	case json.Number:
		if isExtreme(string(v)) {
			list = append(list, Violation{Pointer: pointer(location), Detail: "is a number out of range"})
		}
	case map[string]any:
		for name, member := range v {
			list = append(list, extremeNumbers(member, append(location, name))...)
		}
	case []any:
		for i, item := range v {
			list = append(list, extremeNumbers(item, append(location, strconv.Itoa(i)))...)
		}
	}
	return list
}

func isExtreme(number string) bool {
	f, err := strconv.ParseFloat(number, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	underflow := f == 0 && strings.ContainsAny(mantissa, "123456789")
	return err != nil || underflow || len(number) > maxNumberLength
}
