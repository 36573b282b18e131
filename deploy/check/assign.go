package check

import (
	"slices"
	"strings"
)

// assign checks that the value of an expression has the type t. It looks into
// objects, arrays, variables and both sides of conditions, so that a mistake is
// told where it stands.
func (c *fileCheck) assign(e Expr, t target, s *scope) {
	switch e := e.(type) {
	case *Ternary:
		c.want("bool", e.Condition, s)
		c.assign(e.Then, t, s)
		c.assign(e.Else, t, s)
		return
	case *Name:
		if v, ok := c.file.symbols[e.Name].(*Var); ok && !s.has(e.Name) {
			c.used[e.Name] = true
			c.assign(v.Value, t, nil)
			return
		}
	case *Object:
		if o := t.object(); o != nil {
			c.assignObject(e, t, o, nil, s)
			return
		}
	}
	if item, ok := t.item(); ok && c.assignItems(e, item, s) {
		return
	}
	c.compare(e, c.infer(e, s), t)
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.name == name {
			return true
		}
	}
	return false
}

// assignItems looks into what is written as an array.
func (c *fileCheck) assignItems(e Expr, item target, s *scope) bool {
	switch e := e.(type) {
	case *Array:
		for _, value := range e.Items {
			c.assign(value, item, s)
		}
		return true
	case *For:
		c.assign(e.Body, item, c.loop(e, s))
		return true
	case *Call:
		if len(e.Args) != 2 || e.Function != "map" {
			return false
		}
		lambda, ok := e.Args[1].(*Lambda)
		over := c.infer(e.Args[0], s)
		if ok && over.kind == "array" {
			c.assign(lambda.Body, item, s.with(lambda.Param, itemOf([]*shape{over})))
			return true
		}
	}
	return false
}

// assignObject checks an object's properties against o. Those that Bicep itself
// has a meaning for are skipped.
func (c *fileCheck) assignObject(e *Object, t target, o *ObjectType, skip []string, s *scope) {
	for _, p := range e.Properties {
		key, ok := p.Key.(*Literal)
		if ok && slices.Contains(skip, key.Value.(string)) {
			continue
		}
		if !ok {
			c.infer(p.Key, s)
		}
		c.assignProperty(p, key, t, o, s)
	}
	for name, p := range o.Properties {
		if p.Required && !p.ReadOnly && e.get(name) == nil {
			c.wrong(e.Pos, "%s needs the property %s", t.name, name)
		}
	}
}

func (c *fileCheck) assignProperty(p Property, key *Literal, t target, o *ObjectType, s *scope) {
	var is *PropertyType
	if key != nil {
		is = o.Properties[key.Value.(string)]
	}
	switch {
	case is != nil && is.ReadOnly:
		c.wrong(p.Pos, "%s of %s is read-only", key.Value, t.name)
	case is != nil:
		if l, ok := p.Value.(*Literal); ok && l.Value == nil && !is.Required {
			return // as if it were not there
		}
		c.assign(p.Value, target{t.resource, is.Type, is}, s)
	case o.Additional != "":
		c.assign(p.Value, target{resource: t.resource, name: o.Additional}, s)
	case key == nil:
		c.wrong(p.Pos, "%s has no properties of any name", t.name)
	default:
		c.wrong(p.Pos, "%s has no property %s%s", t.name, key.Value, similar(key.Value.(string), o))
	}
}

// similar suggests the property that was perhaps meant.
func similar(name string, o *ObjectType) string {
	for known := range o.Properties {
		if strings.EqualFold(known, name) || oneOff(strings.ToLower(known), strings.ToLower(name)) {
			return "; is " + known + " meant?"
		}
	}
	return ""
}

// oneOff reports whether a and b differ in one letter that is missing, too
// many or wrong, or in two that are swapped.
func oneOff(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// compare checks what is known of a value against the type t.
func (c *fileCheck) compare(e Expr, is *shape, t target) {
	if is.kind == "any" || is.kind == "null" || t.name == "any" {
		return
	}
	kind := shapeOf(t).kind
	if is.kind != kind {
		c.wrong(e.At(), "expected %s, found %s", describe(t), is)
		return
	}
	switch kind {
	case "array":
		if of, ok := t.item(); ok && is.item != nil {
			c.compare(e, is.item, of)
		}
	case "string":
		c.compareString(e, is, t)
	case "int":
		c.compareInt(e, t)
	case "object":
		c.compareFields(e, is, t)
	}
}

func describe(t target) string {
	if _, ok := t.item(); ok {
		return "an array (" + t.name + ")"
	}
	if t.object() != nil {
		return "an object (" + t.name + ")"
	}
	return shapeOf(t).String()
}

// compareString takes a list of values for complete, though Azure says of most
// that there may be others: a value that is not in it is likelier a slip.
func (c *fileCheck) compareString(e Expr, is *shape, t target) {
	known, open := t.alternatives()
	if len(known) > 0 && is.literals == nil && !open {
		c.wrong(e.At(), "any string, where only '%s' will do", strings.Join(known, "', '"))
	}
	for _, literal := range is.literals {
		if len(known) > 0 && !slices.Contains(known, literal) {
			c.wrong(e.At(), "'%s' is none of '%s'", literal, strings.Join(known, "', '"))
		}
		if l := t.limits; l != nil {
			if l.MinLength != nil && len(literal) < *l.MinLength || l.MaxLength != nil && len(literal) > *l.MaxLength {
				c.wrong(e.At(), "'%s' is too short or too long", literal)
			}
		}
	}
}

func (c *fileCheck) compareInt(e Expr, t target) {
	literal, ok := e.(*Literal)
	if !ok || t.limits == nil {
		return
	}
	n, _ := literal.Value.(int64)
	if t.limits.Min != nil && n < *t.limits.Min {
		c.wrong(e.At(), "%d is below %d", n, *t.limits.Min)
	}
	if t.limits.Max != nil && n > *t.limits.Max {
		c.wrong(e.At(), "%d is above %d", n, *t.limits.Max)
	}
}

// compareFields checks an object that is not written in place.
func (c *fileCheck) compareFields(e Expr, is *shape, t target) {
	o := t.object()
	for name, field := range is.fields {
		switch p := o.Properties[name]; {
		case p != nil:
			c.compare(e, field, target{t.resource, p.Type, p})
		case o.Additional != "":
			c.compare(e, field, target{resource: t.resource, name: o.Additional})
		default:
			c.wrong(e.At(), "%s has no property %s", t.name, name)
		}
	}
	for name, p := range o.Properties {
		if is.fields != nil && p.Required && !p.ReadOnly && is.fields[name] == nil {
			c.wrong(e.At(), "%s needs the property %s", t.name, name)
		}
	}
}
