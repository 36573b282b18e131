package check

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// scope holds the variables of the loops and lambdas around an expression.
type scope struct {
	name  string
	shape *shape
	outer *scope
}

func (s *scope) with(name string, of *shape) *scope {
	if name == "" {
		return s
	}
	return &scope{name, of, s}
}

// fileCheck checks one file.
type fileCheck struct {
	*checker
	file *File
	used map[string]bool // symbols
}

func (c *fileCheck) wrong(at Pos, format string, args ...any) {
	c.add(&Mistake{c.file.Path, at, fmt.Sprintf(format, args...)})
}

// infer gives the shape of an expression and notes what is wrong in it.
func (c *fileCheck) infer(e Expr, s *scope) *shape {
	switch e := e.(type) {
	case *Literal:
		return literalShape(e)
	case *Interpolation:
		for _, part := range e.Parts {
			if p := c.infer(part, s); p.kind == "object" || p.kind == "array" || p.kind == "resource" || p.kind == "module" {
				c.wrong(part.At(), "%s in a string", p)
			}
		}
		return stringShape
	case *Object:
		return c.inferObject(e, s)
	case *Array:
		all := arrayOf(nil)
		for _, item := range e.Items {
			all.item = either(all.item, c.infer(item, s))
		}
		return all
	case *Name:
		return c.inferName(e, s)
	case *Member:
		return c.member(e, c.infer(e.Object, s))
	case *Index:
		return c.inferIndex(e, s)
	case *Call:
		return c.inferCall(e, s)
	case *Unary:
		return c.inferUnary(e, s)
	case *Binary:
		return c.inferBinary(e, s)
	case *Ternary:
		c.want("bool", e.Condition, s)
		return either(c.infer(e.Then, s), c.infer(e.Else, s))
	case *For:
		return arrayOf(c.infer(e.Body, c.loop(e, s)))
	case *Lambda:
		c.wrong(e.Pos, "a lambda stands only in map and filter")
	case *If:
		c.wrong(e.Pos, "if (…) stands only after =, or in [for …]")
	}
	return anyShape
}

func literalShape(e *Literal) *shape {
	switch v := e.Value.(type) {
	case string:
		return &shape{kind: "string", literals: []string{v}}
	case int64:
		return intShape
	case bool:
		return boolShape
	}
	return &shape{kind: "null"}
}

func (c *fileCheck) inferObject(e *Object, s *scope) *shape {
	o := object(map[string]*shape{})
	for _, p := range e.Properties {
		value := c.infer(p.Value, s)
		if key, ok := p.Key.(*Literal); ok {
			o.fields[key.Value.(string)] = value
		} else {
			c.infer(p.Key, s)
			o = declared("object")
			for _, rest := range e.Properties {
				c.infer(rest.Value, s)
			}
			return o
		}
	}
	return o
}

// loop gives the scope of a loop's body.
func (c *fileCheck) loop(f *For, s *scope) *scope {
	over := c.want("array", f.Over, s)
	item := anyShape
	if over.item != nil {
		item = over.item
	}
	return s.with(f.Item, item).with(f.Index, intShape)
}

func (c *fileCheck) inferName(e *Name, s *scope) *shape {
	for ; s != nil; s = s.outer {
		if s.name == e.Name {
			return s.shape
		}
	}
	symbol := c.file.symbols[e.Name]
	if symbol != nil {
		c.used[e.Name] = true
	}
	switch symbol := symbol.(type) {
	case *Param:
		return paramShape(symbol)
	case *Var:
		return c.infer(symbol.Value, nil)
	case *Resource:
		r := c.types[strings.ToLower(symbol.Type)]
		if r == nil {
			return anyShape
		}
		return many(symbol.Value, &shape{kind: "resource", resource: r})
	case *Module:
		return many(symbol.Value, &shape{kind: "module", module: c.moduleFile(symbol)})
	}
	c.wrong(e.Pos, "%s is not declared", e.Name)
	return anyShape
}

// many makes s an array where value is a loop.
func many(value Expr, s *shape) *shape {
	if _, ok := value.(*For); ok {
		return arrayOf(s)
	}
	return s
}

// paramShape gives what a parameter can be.
func paramShape(p *Param) *shape {
	s := declared(p.Type)
	if allowed := p.decorator("allowed"); allowed != nil && p.Type == "string" {
		if values, ok := allowed.Args[0].(*Array); ok {
			for _, v := range values.Items {
				if l, ok := v.(*Literal); ok {
					s.literals = append(s.literals, fmt.Sprint(l.Value))
				}
			}
		}
	}
	return s
}

func (p *Param) decorator(name string) *Call {
	i := slices.IndexFunc(p.Decorators, func(d *Call) bool { return d.Function == name })
	if i < 0 {
		return nil
	}
	return p.Decorators[i]
}

// member gives the shape of object.name.
func (c *fileCheck) member(e *Member, of *shape) *shape {
	switch of.kind {
	case "any":
		return anyShape
	case "resource":
		return c.resourceMember(e, of.resource)
	case "module":
		if e.Name == "outputs" {
			return &shape{kind: "outputs", module: of.module}
		}
	case "outputs":
		return c.output(e, of.module)
	case "object":
		switch {
		case of.azure != nil:
			return c.azureMember(e, *of.azure, of.azure.object())
		case of.fields == nil:
			return anyShape
		case of.fields[e.Name] != nil:
			return of.fields[e.Name]
		}
	}
	c.wrong(e.Pos, "%s has no %s", of, e.Name)
	return anyShape
}

func (c *fileCheck) resourceMember(e *Member, r *ResourceType) *shape {
	switch e.Name {
	case "id", "name", "type", "apiVersion":
		return stringShape
	}
	return c.azureMember(e, target{resource: r, name: r.Type}, r.Body)
}

func (c *fileCheck) azureMember(e *Member, of target, object *ObjectType) *shape {
	if p := object.Properties[e.Name]; p != nil {
		return shapeOf(target{resource: of.resource, name: p.Type})
	}
	if object.Additional != "" {
		return shapeOf(target{resource: of.resource, name: object.Additional})
	}
	c.wrong(e.Pos, "%s has no property %s", of.name, e.Name)
	return anyShape
}

func (c *fileCheck) output(e *Member, module *File) *shape {
	if module == nil {
		return anyShape // that the module is not there is told elsewhere
	}
	for _, o := range module.Outputs {
		if o.Name == e.Name {
			return declared(o.Type)
		}
	}
	c.wrong(e.Pos, "%s has no output %s", module.Path, e.Name)
	return anyShape
}

func (c *fileCheck) inferIndex(e *Index, s *scope) *shape {
	of, index := c.infer(e.Object, s), c.infer(e.Index, s)
	switch {
	case of.kind == "any" || index.kind == "any":
	case of.kind == "array" && index.kind == "int":
		if of.item != nil {
			return of.item
		}
	case of.kind == "object" && index.kind == "string":
	default:
		c.wrong(e.Pos, "%s has no index that is %s", of, index)
	}
	return anyShape
}

// want infers an expression that is to be of a kind.
func (c *fileCheck) want(kind string, e Expr, s *scope) *shape {
	is := c.infer(e, s)
	if !takes(kind, is) {
		c.wrong(e.At(), "expected %s, found %s", declared(kind), is)
	}
	return is
}

func (c *fileCheck) inferUnary(e *Unary, s *scope) *shape {
	if e.Op == "!" {
		return c.want("bool", e.Operand, s)
	}
	return c.want("int", e.Operand, s)
}

func (c *fileCheck) inferBinary(e *Binary, s *scope) *shape {
	switch e.Op {
	case "&&", "||":
		c.want("bool", e.Left, s)
		return c.want("bool", e.Right, s)
	case "+", "-", "*", "/", "%":
		c.want("int", e.Left, s)
		c.want("int", e.Right, s)
		return intShape
	case "??":
		return either(c.infer(e.Left, s), c.infer(e.Right, s))
	}
	left, right := c.infer(e.Left, s), c.infer(e.Right, s)
	if !takes(left.kind, right) && left.kind != "any" && left.kind != "null" && right.kind != "null" {
		c.wrong(e.Pos, "%s is compared with %s", left, right)
	}
	if left.literals != nil && right.literals != nil && !slices.ContainsFunc(left.literals, func(l string) bool { return slices.Contains(right.literals, l) }) {
		c.wrong(e.Pos, "%s is never %s", left, right)
	}
	return boolShape
}

func (c *fileCheck) inferCall(e *Call, s *scope) *shape {
	if e.Receiver != nil {
		return c.inferMethod(e, s)
	}
	f, ok := functions[e.Function]
	if !ok {
		c.wrong(e.Pos, "the function %s is not known here", e.Function)
		return anyShape
	}
	if len(e.Args) < f.required || len(e.Args) > len(f.params) && !f.repeats {
		c.wrong(e.Pos, "%s takes %d arguments, not %d", e.Function, f.required, len(e.Args))
		return anyShape
	}
	args := make([]*shape, len(e.Args))
	for i, arg := range e.Args {
		if lambda, ok := arg.(*Lambda); ok && i > 0 && args[0].kind == "array" {
			args[i] = c.infer(lambda.Body, s.with(lambda.Param, itemOf(args)))
			continue
		}
		args[i] = c.want(f.params[min(i, len(f.params)-1)], arg, s)
	}
	if e.Function == "loadTextContent" {
		c.textFile(e)
	}
	return f.result(args)
}

// inferMethod knows the one method that the files use: getSecret of a vault.
func (c *fileCheck) inferMethod(e *Call, s *scope) *shape {
	of := c.infer(e.Receiver, s)
	if of.kind != "resource" || of.resource.Type != "Microsoft.KeyVault/vaults" || e.Function != "getSecret" {
		c.wrong(e.Pos, "%s has no function %s", of, e.Function)
	}
	for _, arg := range e.Args {
		c.want("string", arg, s)
	}
	return stringShape
}

func (c *fileCheck) textFile(e *Call) {
	literal, ok := e.Args[0].(*Literal)
	if !ok {
		c.wrong(e.Pos, "loadTextContent takes a literal path")
		return
	}
	name := path.Join(path.Dir(c.file.Path), literal.Value.(string))
	if _, err := fs.Stat(c.folder, name); err != nil {
		c.wrong(e.Pos, "there is no file %s", name)
	}
}
