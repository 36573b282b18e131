package check

import (
	"slices"
	"strings"
)

// Properties of a resource's object that Bicep itself has a meaning for.
var ownProperties = []string{"parent", "scope", "dependsOn"}

func (c *fileCheck) checkResource(r *Resource) {
	object, condition, loop := body(r.Value)
	s := c.enter(r.Pos, object, condition, loop)
	t := c.types[strings.ToLower(r.Type)]
	switch {
	case t == nil:
		c.wrong(r.Pos, "the resource type %s is not known; run go run ./deploy/check/refresh", r.Type)
		return
	case t.Type != r.Type:
		c.wrong(r.Pos, "the resource type is written %s", t.Type)
	case t.APIVersion != r.APIVersion:
		c.wrong(r.Pos, "%s has the API version %s, not %s", r.Type, t.APIVersion, r.APIVersion)
	}
	c.checkPlace(r, t, object, s)
	c.dependsOn(object, s)
	if r.Existing {
		c.checkExisting(object, s)
		return
	}
	c.assignObject(object, target{resource: t, name: r.Type}, t.Body, ownProperties, s)
}

// enter checks what is common to resources and modules: condition, loop and
// name. It gives the scope of the object.
func (c *fileCheck) enter(at Pos, o *Object, condition Expr, loop *For) *scope {
	var s *scope
	if loop != nil {
		s = c.loop(loop, nil)
		c.constant(loop.Over, "a loop")
	}
	if condition != nil {
		c.want("bool", condition, s)
		c.constant(condition, "a condition")
	}
	name := o.get("name")
	if name == nil {
		c.wrong(at, "the name is missing")
		return s
	}
	c.want("string", name, s)
	c.constant(name, "a name")
	if loop != nil && !mentions(name, loop) && !mentions(o.get("parent"), loop) {
		c.wrong(name.At(), "every round of the loop has this name")
	}
	return s
}

// mentions reports whether e uses a variable of the loop.
func mentions(e Expr, loop *For) (found bool) {
	walk(e, func(e Expr) bool {
		name, ok := e.(*Name)
		found = found || ok && (name.Name == loop.Item || name.Name == loop.Index)
		return !found
	})
	return found
}

// checkPlace checks parent and scope.
func (c *fileCheck) checkPlace(r *Resource, t *ResourceType, o *Object, s *scope) {
	parent, scope := o.get("parent"), o.get("scope")
	child := strings.Count(r.Type, "/") > 1
	switch {
	case child && parent == nil:
		c.wrong(o.Pos, "%s needs a parent", r.Type)
	case !child && parent != nil:
		c.wrong(parent.At(), "%s has no parent", r.Type)
	case child:
		want := r.Type[:strings.LastIndex(r.Type, "/")]
		if of := c.infer(parent, s); of.kind != "any" && (of.kind != "resource" || !strings.EqualFold(of.resource.Type, want)) {
			c.wrong(parent.At(), "the parent of %s is a resource of the type %s", r.Type, want)
		}
	}
	if scope != nil {
		if of := c.infer(scope, s); of.kind != "resource" && of.kind != "any" {
			c.wrong(scope.At(), "the scope is a resource, not %s", of)
		}
	}
	extension := t.Scopes == "Extension" || t.Scopes == "AllExceptExtension"
	switch {
	case extension && scope == nil:
		c.wrong(o.Pos, "%s needs a scope", r.Type)
	case !extension && scope != nil:
		c.wrong(scope.At(), "%s has no scope", r.Type)
	case !extension && !strings.EqualFold(t.Scopes, c.file.Scope):
		c.wrong(r.Pos, "%s lies in a %s, this file is about a %s", r.Type, t.Scopes, c.file.Scope)
	}
}

func (c *fileCheck) checkExisting(o *Object, s *scope) {
	for _, p := range o.Properties {
		key, ok := p.Key.(*Literal)
		if !ok || key.Value != "name" && !slices.Contains(ownProperties, key.Value.(string)) {
			c.wrong(p.Pos, "an existing resource has a name, a parent and a scope only")
		}
		c.infer(p.Value, s)
	}
}

// dependsOn checks that the property names resources and modules.
func (c *fileCheck) dependsOn(o *Object, s *scope) {
	on := o.get("dependsOn")
	if on == nil {
		return
	}
	list, ok := on.(*Array)
	if !ok {
		c.wrong(on.At(), "dependsOn is an array")
		return
	}
	for _, item := range list.Items {
		if of := c.infer(item, s); of.kind != "resource" && of.kind != "module" && of.kind != "any" {
			c.wrong(item.At(), "dependsOn names resources and modules, not %s", of)
		}
	}
}

// constant checks that an expression is known before the deployment begins: it
// uses no output, and of resources only what follows from their declaration.
func (c *fileCheck) constant(e Expr, what string) {
	walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Member:
			if of, ok := e.Object.(*Name); ok {
				return c.constantMember(e, of, what)
			}
		case *Name:
			if v, ok := c.file.symbols[e.Name].(*Var); ok {
				c.constant(v.Value, what)
			}
		}
		return true
	})
}

func (c *fileCheck) constantMember(e *Member, of *Name, what string) bool {
	switch c.file.symbols[of.Name].(type) {
	case *Module:
		c.wrong(e.Pos, "%s must be known before the deployment begins; outputs are not", what)
		return false
	case *Resource:
		switch e.Name {
		case "id", "name", "type", "apiVersion":
			return false
		}
		c.wrong(e.Pos, "%s must be known before the deployment begins; %s of %s is not", what, e.Name, of.Name)
		return false
	}
	return true
}
