package check

import (
	"fmt"
	"strings"
)

// parser turns tokens into a File. It panics with a *Mistake; see parse.
type parser struct {
	file   *File
	tokens []token
	i      int
}

// parse reads one file.
func parse(path, source string) (f *File, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Mistake:
			err = r
		default:
			panic(r)
		}
	}()
	p := &parser{file: &File{Path: path, Scope: "resourceGroup", symbols: map[string]any{}}, tokens: tokenize(path, source)}
	for p.newlines(); p.peek().kind != end; p.newlines() {
		p.statement()
	}
	return p.file, nil
}

func (p *parser) fail(at Pos, format string, args ...any) {
	panic(&Mistake{p.file.Path, at, fmt.Sprintf(format, args...)})
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != end {
		p.i++
	}
	return t
}

// is reports whether the next token is the given word or punctuation.
func (p *parser) is(s string) bool {
	t := p.peek()
	return (t.kind == punctuation || t.kind == identifier) && t.text == s
}

func (p *parser) accept(s string) bool {
	if p.is(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(s string) token {
	if !p.is(s) {
		p.unexpected("%q", s)
	}
	return p.next()
}

func (p *parser) unexpected(format string, args ...any) {
	t := p.peek()
	found := fmt.Sprintf("%q", t.text)
	switch t.kind {
	case end:
		found = "the end of the file"
	case newline:
		found = t.text
	case text:
		found = "a string"
	}
	p.fail(t.Pos, "expected %s, found %s", fmt.Sprintf(format, args...), found)
}

func (p *parser) identifier() string {
	if p.peek().kind != identifier {
		p.unexpected("a name")
	}
	return p.next().text
}

// newlines skips the ends of lines and tells how many there were.
func (p *parser) newlines() (n int) {
	for ; p.peek().kind == newline; n++ {
		p.i++
	}
	return n
}

// afterNewlines skips ends of lines if what follows them is one of the given.
func (p *parser) afterNewlines(any ...string) bool {
	begin := p.i
	p.newlines()
	for _, s := range any {
		if p.is(s) {
			return true
		}
	}
	p.i = begin
	return false
}

func (p *parser) endOfStatement() {
	if p.peek().kind != end && p.newlines() == 0 {
		p.unexpected("the end of the line")
	}
}

func (p *parser) statement() {
	decorators := p.decorators()
	at := p.peek().Pos
	if len(decorators) > 0 && !p.is("param") {
		p.fail(at, "decorators are known for parameters only")
	}
	switch word := p.identifier(); word {
	case "targetScope":
		p.expect("=")
		p.file.Scope = p.plainString()
	case "param":
		p.param(at, decorators)
	case "var":
		v := &Var{Pos: at, Name: p.identifier()}
		p.expect("=")
		v.Value = p.expression()
		p.file.Vars = append(p.file.Vars, v)
		p.declare(at, v.Name, v)
	case "resource":
		p.resource(at)
	case "module":
		m := &Module{Pos: at, Name: p.identifier(), Path: p.plainString()}
		p.expect("=")
		m.Value = p.deployed()
		p.file.Modules = append(p.file.Modules, m)
		p.declare(at, m.Name, m)
	case "output":
		o := &Output{Pos: at, Name: p.identifier(), Type: p.typeName()}
		p.expect("=")
		o.Value = p.expression()
		p.file.Outputs = append(p.file.Outputs, o)
	default:
		p.fail(at, "no declaration begins with %q", word)
	}
	p.endOfStatement()
}

func (p *parser) declare(at Pos, name string, symbol any) {
	if p.file.symbols[name] != nil {
		p.fail(at, "%s is declared twice", name)
	}
	p.file.symbols[name] = symbol
}

func (p *parser) decorators() (all []*Call) {
	for p.is("@") {
		at := p.next().Pos
		call, ok := p.expression().(*Call)
		if !ok {
			p.fail(at, "a decorator is a call")
		}
		all = append(all, call)
		p.newlines()
	}
	return all
}

func (p *parser) typeName() string {
	at := p.peek().Pos
	name := p.identifier()
	switch name {
	case "string", "int", "bool", "object", "array":
		return name
	}
	p.fail(at, "%s is not one of the types string, int, bool, object and array", name)
	return ""
}

func (p *parser) param(at Pos, decorators []*Call) {
	param := &Param{Pos: at, Name: p.identifier(), Type: p.typeName(), Decorators: decorators}
	if p.accept("=") {
		param.Default = p.expression()
	}
	p.file.Params = append(p.file.Params, param)
	p.declare(at, param.Name, param)
}

func (p *parser) resource(at Pos) {
	r := &Resource{Pos: at, Name: p.identifier()}
	typeAt := p.peek().Pos
	versioned := p.plainString()
	var ok bool
	if r.Type, r.APIVersion, ok = strings.Cut(versioned, "@"); !ok {
		p.fail(typeAt, "%q is not TYPE@VERSION", versioned)
	}
	r.Existing = p.accept("existing")
	p.expect("=")
	r.Value = p.deployed()
	p.file.Resources = append(p.file.Resources, r)
	p.declare(at, r.Name, r)
}

// deployed reads what follows = in a resource or a module.
func (p *parser) deployed() Expr {
	if p.is("if") {
		return p.condition()
	}
	at := p.peek().Pos
	value := p.primary()
	switch v := value.(type) {
	case *Object:
		return v
	case *For:
		switch v.Body.(type) {
		case *Object, *If:
			return v
		}
	}
	p.fail(at, "expected an object, if (…) or [for …]")
	return nil
}

func (p *parser) condition() *If {
	i := &If{Pos: p.expect("if").Pos}
	p.expect("(")
	i.Condition = p.expression()
	p.expect(")")
	at := p.peek().Pos
	object, ok := p.primary().(*Object)
	if !ok {
		p.fail(at, "expected an object")
	}
	i.Body = object
	return i
}

func (p *parser) plainString() string {
	at := p.peek().Pos
	if p.peek().kind != text {
		p.unexpected("a string")
	}
	literal, ok := p.primary().(*Literal)
	if !ok {
		p.fail(at, "expected a string without interpolation")
	}
	return literal.Value.(string)
}
