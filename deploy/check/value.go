package check

import (
	"fmt"
	"maps"
	"strings"
)

// eval gives the value of an expression: string, int64, bool, nil, []any,
// map[string]any, *reference or unknown.
func (i *instance) eval(e Expr, vars map[string]any) any {
	switch e := e.(type) {
	case *Literal:
		return e.Value
	case *Interpolation:
		var s strings.Builder
		for _, part := range e.Parts {
			s.WriteString(textOf(i.eval(part, vars)))
		}
		return s.String()
	case *Object:
		o := map[string]any{}
		for _, p := range e.Properties {
			o[textOf(i.eval(p.Key, vars))] = i.eval(p.Value, vars)
		}
		return o
	case *Array:
		a := []any{}
		for _, item := range e.Items {
			a = append(a, i.eval(item, vars))
		}
		return a
	case *Name:
		if value, ok := vars[e.Name]; ok {
			return value
		}
		return i.symbol(e.Name)
	case *Member:
		return i.memberOf(e, i.eval(e.Object, vars))
	case *Index:
		return i.index(e, vars)
	case *Call:
		return i.call(e, vars)
	case *Unary:
		if e.Op == "!" {
			return !i.truth(e.Operand, vars)
		}
		return -i.number(e.Operand, vars)
	case *Binary:
		return i.binary(e, vars)
	case *Ternary:
		if i.truth(e.Condition, vars) {
			return i.eval(e.Then, vars)
		}
		return i.eval(e.Else, vars)
	case *For:
		return i.loop(e, vars, func(inner map[string]any) any { return i.eval(e.Body, inner) })
	}
	i.fail(e.At(), "this cannot be worked out")
	return nil
}

func (i *instance) truth(e Expr, vars map[string]any) bool {
	b, ok := i.eval(e, vars).(bool)
	if !ok {
		i.fail(e.At(), "this is not known before the deployment")
	}
	return b
}

func (i *instance) number(e Expr, vars map[string]any) int64 {
	n, ok := i.eval(e, vars).(int64)
	if !ok {
		i.fail(e.At(), "this is not known before the deployment")
	}
	return n
}

func (i *instance) memberOf(e *Member, of any) any {
	switch of := of.(type) {
	case map[string]any:
		return of[e.Name]
	case *reference:
		switch e.Name {
		case "id":
			return of.id
		case "name":
			return of.name
		case "type":
			return of.resource.Type
		}
		return of.property(e.Name, of.body.get(e.Name))
	case unknown:
		return of.of.property(of.path+"."+e.Name, nil)
	}
	i.fail(e.Pos, "there is no %s", e.Name)
	return nil
}

// property gives what Azure or the file says of a resource's property.
func (r *reference) property(path string, set Expr) any {
	if r.in.runtime != nil {
		if value := r.in.runtime(r.resource.Type, r.name, path); value != nil {
			return value
		}
	}
	if _, isObject := set.(*Object); set != nil && !isObject {
		return r.in.eval(set, r.vars)
	}
	return unknown{r, path}
}

func (i *instance) index(e *Index, vars map[string]any) any {
	switch of := i.eval(e.Object, vars).(type) {
	case []any:
		if n := i.number(e.Index, vars); n >= 0 && n < int64(len(of)) {
			return of[n]
		}
	case map[string]any:
		return of[textOf(i.eval(e.Index, vars))]
	}
	i.fail(e.Pos, "there is nothing at this index")
	return nil
}

func (i *instance) binary(e *Binary, vars map[string]any) any {
	switch e.Op {
	case "&&":
		return i.truth(e.Left, vars) && i.truth(e.Right, vars)
	case "||":
		return i.truth(e.Left, vars) || i.truth(e.Right, vars)
	case "==":
		return i.eval(e.Left, vars) == i.eval(e.Right, vars)
	case "!=":
		return i.eval(e.Left, vars) != i.eval(e.Right, vars)
	case "??":
		if left := i.eval(e.Left, vars); left != nil {
			return left
		}
		return i.eval(e.Right, vars)
	}
	left, right := i.number(e.Left, vars), i.number(e.Right, vars)
	switch e.Op {
	case "+":
		return left + right
	case "-":
		return left - right
	case "*":
		return left * right
	case "<":
		return left < right
	case "<=":
		return left <= right
	case ">":
		return left > right
	case ">=":
		return left >= right
	}
	i.fail(e.Pos, "the operator %s cannot be worked out", e.Op)
	return nil
}

// text1 gives what a value is in a string.
func textOf(value any) string {
	switch value := plain(value).(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		return fmt.Sprint(value)
	}
}

// plain replaces references to resources and what is unknown by strings.
func plain(value any) any {
	switch value := value.(type) {
	case *reference:
		return value.id
	case unknown:
		return "{" + value.of.name + "." + value.path + "}"
	case []any:
		all := make([]any, len(value))
		for i, item := range value {
			all[i] = plain(item)
		}
		return all
	case map[string]any:
		all := maps.Clone(value)
		for name, field := range all {
			all[name] = plain(field)
		}
		return all
	}
	return value
}
