package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// shape is what is known of an expression's value.
type shape struct {
	kind     string            // any, null, string, int, bool, array, object, resource, module or outputs
	literals []string          // of a string: all it can be; nil if it can be anything
	item     *shape            // of an array, nil if unknown
	fields   map[string]*shape // of an object, nil if unknown
	azure    *target           // of an object that Azure describes
	resource *ResourceType     // of a resource
	module   *File             // of a module, and of its outputs
}

var (
	anyShape    = &shape{kind: "any"}
	stringShape = &shape{kind: "string"}
	intShape    = &shape{kind: "int"}
	boolShape   = &shape{kind: "bool"}
)

func arrayOf(item *shape) *shape { return &shape{kind: "array", item: item} }

// declared gives the shape of what is declared as string, int and so on.
func declared(kind string) *shape { return &shape{kind: kind} }

// shapeOf gives the shape of what Azure describes.
func shapeOf(t target) *shape {
	if item, ok := t.item(); ok {
		return arrayOf(shapeOf(item))
	}
	switch t.name {
	case "any", "string", "int", "bool":
		return declared(t.name)
	}
	if t.object() != nil {
		return &shape{kind: "object", azure: &t}
	}
	if literals, open := t.alternatives(); !open {
		return &shape{kind: "string", literals: literals}
	}
	return stringShape
}

// either gives the shape of what is one or the other.
func either(a, b *shape) *shape {
	switch {
	case a == nil || b.kind == "null":
		return cmp.Or(a, b)
	case a.kind == "null":
		return b
	case a.kind != b.kind:
		return anyShape
	}
	switch a.kind {
	case "string":
		if a.literals == nil || b.literals == nil {
			return stringShape
		}
		return &shape{kind: "string", literals: slices.Concat(a.literals, b.literals)}
	case "array":
		if a.item == nil || b.item == nil {
			return arrayOf(cmp.Or(a.item, b.item))
		}
		return arrayOf(either(a.item, b.item))
	case "object":
		return eitherObject(a, b)
	}
	return a
}

// eitherObject keeps the fields that both have.
func eitherObject(a, b *shape) *shape {
	if a.fields == nil || b.fields == nil {
		return declared("object")
	}
	both := &shape{kind: "object", fields: map[string]*shape{}}
	for name, field := range a.fields {
		if other := b.fields[name]; other != nil {
			both.fields[name] = either(field, other)
		}
	}
	return both
}

// String describes the shape in a message.
func (s *shape) String() string {
	if s.literals != nil {
		return "'" + strings.Join(s.literals, "' or '") + "'"
	}
	if s.kind == "any" {
		return "any value"
	}
	article := "a"
	if strings.ContainsRune("aeio", rune(s.kind[0])) {
		article = "an"
	}
	return fmt.Sprintf("%s %s", article, s.kind)
}
