package check

import "slices"

// decorators gives for each decorator the types of parameters that it is for
// and the kind of its argument.
var decorators = map[string]struct {
	types []string
	arg   string
}{
	"description": {[]string{"string", "int", "bool", "object", "array"}, "string"},
	"allowed":     {[]string{"string", "int"}, "array"},
	"minLength":   {[]string{"string", "array"}, "int"},
	"maxLength":   {[]string{"string", "array"}, "int"},
	"minValue":    {[]string{"int"}, "int"},
	"maxValue":    {[]string{"int"}, "int"},
	"secure":      {[]string{"string", "object"}, ""},
}

func (c *fileCheck) checkParam(p *Param) {
	for _, d := range p.Decorators {
		known, ok := decorators[d.Function]
		switch {
		case !ok:
			c.wrong(d.Pos, "the decorator %s is not known", d.Function)
		case !slices.Contains(known.types, p.Type):
			c.wrong(d.Pos, "the decorator %s is not for a parameter that is %s", d.Function, declared(p.Type))
		case known.arg == "" && len(d.Args) > 0 || known.arg != "" && len(d.Args) != 1:
			c.wrong(d.Pos, "the decorator %s has the wrong number of arguments", d.Function)
		case known.arg != "":
			c.want(known.arg, d.Args[0], nil)
		}
	}
	if p.Default != nil {
		c.checkValue(p.Default, c.want(p.Type, p.Default, nil), p)
		if l, ok := p.Default.(*Literal); p.secure() && (!ok || l.Value != "") {
			c.wrong(p.Default.At(), "a secret has no default but ''")
		}
	}
}

func (p *Param) secure() bool { return p.decorator("secure") != nil }

// checkValue checks a value against what a parameter allows.
func (c *fileCheck) checkValue(e Expr, is *shape, p *Param) {
	allowed := paramShape(p).literals
	if len(allowed) > 0 && is.kind == "string" {
		if is.literals == nil {
			c.wrong(e.At(), "any string, where %s allows only %s", p.Name, paramShape(p))
		}
		for _, literal := range is.literals {
			if !slices.Contains(allowed, literal) {
				c.wrong(e.At(), "'%s' is none of %s, which %s allows", literal, paramShape(p), p.Name)
			}
		}
	}
	literal, ok := e.(*Literal)
	if !ok {
		return
	}
	size, isInt := literal.Value.(int64)
	least, most := p.limit("minValue"), p.limit("maxValue")
	if s, ok := literal.Value.(string); ok {
		size, isInt = int64(len(s)), true
		least, most = p.limit("minLength"), p.limit("maxLength")
	}
	if isInt && (least != nil && size < *least || most != nil && size > *most) {
		c.wrong(e.At(), "%v is beyond what %s allows", literal.Value, p.Name)
	}
}

// limit gives the number in a decorator, or nil.
func (p *Param) limit(decorator string) *int64 {
	d := p.decorator(decorator)
	if d == nil || len(d.Args) != 1 {
		return nil
	}
	if l, ok := d.Args[0].(*Literal); ok {
		if n, ok := l.Value.(int64); ok {
			return &n
		}
	}
	return nil
}

// secret reports whether an expression shows a secret.
func (c *fileCheck) secret(e Expr) (found bool) {
	walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Name:
			switch symbol := c.file.symbols[e.Name].(type) {
			case *Param:
				found = found || symbol.secure()
			case *Var:
				found = found || c.secret(symbol.Value)
			}
		case *Call:
			if e.Function == "empty" {
				return false // tells nothing but whether there is one
			}
			found = found || e.Function == "getSecret"
		}
		return !found
	})
	return found
}

func (c *fileCheck) noSecret(e Expr, where string) {
	if c.secret(e) {
		c.wrong(e.At(), "a secret goes into %s, which is not secure", where)
	}
}
