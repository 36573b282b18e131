package check

import "strconv"

// precedence of the operators between two expressions; more binds tighter.
var precedence = map[string]int{
	"??": 1, "||": 2, "&&": 3,
	"==": 4, "!=": 4, "=~": 4, "!~": 4,
	"<": 5, "<=": 5, ">": 5, ">=": 5,
	"+": 6, "-": 6, "*": 7, "/": 7, "%": 7,
}

func (p *parser) expression() Expr {
	condition := p.binary(1)
	if !p.is("?") && !p.afterNewlines("?") {
		return condition
	}
	p.next()
	t := &Ternary{Pos: condition.At(), Condition: condition}
	p.newlines()
	t.Then = p.expression()
	p.afterNewlines(":")
	p.expect(":")
	p.newlines()
	t.Else = p.expression()
	return t
}

func (p *parser) binary(least int) Expr {
	left := p.unary()
	for {
		operator := p.peek()
		level := precedence[operator.text]
		if operator.kind != punctuation || level < least {
			return left
		}
		p.next()
		p.newlines()
		left = &Binary{left.At(), operator.text, left, p.binary(level + 1)}
	}
}

func (p *parser) unary() Expr {
	if t := p.peek(); p.is("!") || p.is("-") {
		p.next()
		return &Unary{t.Pos, t.text, p.unary()}
	}
	return p.postfix(p.primary())
}

// postfix reads what may follow an expression: members, indexes and calls.
func (p *parser) postfix(e Expr) Expr {
	for {
		switch {
		case p.is("!") && p.tokens[p.i+1].kind == punctuation && p.tokens[p.i+1].text == ".":
			p.next()
		case p.accept("."):
			at := p.peek().Pos
			name := p.identifier()
			if p.is("(") {
				e = &Call{at, e, name, p.arguments()}
			} else {
				e = &Member{at, e, name}
			}
		case p.is("["):
			at := p.next().Pos
			e = &Index{at, e, p.expression()}
			p.expect("]")
		default:
			return e
		}
	}
}

func (p *parser) arguments() (args []Expr) {
	p.expect("(")
	p.newlines()
	for !p.accept(")") {
		args = append(args, p.expression())
		p.newlines()
		if !p.is(")") {
			p.expect(",")
			p.newlines()
			if p.is(")") {
				p.unexpected("an argument")
			}
		}
	}
	return args
}

func (p *parser) primary() Expr {
	t := p.peek()
	switch {
	case t.kind == text:
		return p.string()
	case t.kind == number:
		p.next()
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			p.fail(t.Pos, "%s is too large a number", t.text)
		}
		return &Literal{t.Pos, n}
	case t.kind == identifier:
		return p.word()
	case p.is("{"):
		return p.object()
	case p.is("["):
		return p.array()
	case p.accept("("):
		p.newlines()
		e := p.expression()
		p.newlines()
		p.expect(")")
		return e
	}
	p.unexpected("an expression")
	return nil
}

func (p *parser) word() Expr {
	t := p.next()
	switch {
	case t.text == "true" || t.text == "false":
		return &Literal{t.Pos, t.text == "true"}
	case t.text == "null":
		return &Literal{t.Pos, nil}
	case p.is("("):
		return &Call{t.Pos, nil, t.text, p.arguments()}
	case p.accept("=>"):
		return &Lambda{t.Pos, t.text, p.expression()}
	}
	return &Name{t.Pos, t.text}
}

// string reads a string; its pieces and expressions alternate.
func (p *parser) string() Expr {
	t := p.next()
	if !t.interpolates {
		return &Literal{t.Pos, t.text}
	}
	s := &Interpolation{Pos: t.Pos, Parts: []Expr{&Literal{t.Pos, t.text}}}
	for t.interpolates {
		s.Parts = append(s.Parts, p.expression())
		if next := p.peek(); next.kind != text || !next.continues {
			p.unexpected("the end of the interpolation")
		}
		t = p.next()
		s.Parts = append(s.Parts, &Literal{t.Pos, t.text})
	}
	return s
}

func (p *parser) object() Expr {
	o := &Object{Pos: p.expect("{").Pos}
	p.newlines()
	for !p.accept("}") {
		o.Properties = append(o.Properties, p.property())
		p.separator("}")
	}
	seen := map[string]bool{}
	for _, property := range o.Properties {
		if key, ok := property.Key.(*Literal); ok {
			if seen[key.Value.(string)] {
				p.fail(property.Pos, "%s is set twice", key.Value)
			}
			seen[key.Value.(string)] = true
		}
	}
	return o
}

func (p *parser) property() Property {
	t := p.peek()
	var key Expr
	switch t.kind {
	case identifier:
		key = &Literal{t.Pos, p.next().text}
	case text:
		key = p.string()
	default:
		p.unexpected("a property or }")
	}
	p.expect(":")
	return Property{t.Pos, key, p.expression()}
}

// separator reads what stands between two items, or before the closing one:
// ends of lines, or a comma.
func (p *parser) separator(closing string) {
	if p.accept(",") {
		p.newlines()
	} else if p.newlines() == 0 && !p.is(closing) {
		p.unexpected("a comma, a new line or %q", closing)
	}
}

func (p *parser) array() Expr {
	begin := p.expect("[").Pos
	p.newlines()
	if p.is("for") {
		return p.forLoop(begin)
	}
	a := &Array{Pos: begin}
	for !p.accept("]") {
		a.Items = append(a.Items, p.expression())
		p.separator("]")
	}
	return a
}

func (p *parser) forLoop(begin Pos) Expr {
	p.expect("for")
	f := &For{Pos: begin}
	if p.accept("(") {
		f.Item = p.identifier()
		p.expect(",")
		f.Index = p.identifier()
		p.expect(")")
	} else {
		f.Item = p.identifier()
	}
	p.expect("in")
	f.Over = p.expression()
	p.expect(":")
	if p.is("if") {
		f.Body = p.condition()
	} else {
		f.Body = p.expression()
	}
	p.newlines()
	p.expect("]")
	return f
}
