package operation

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// tree is the syntax tree of an operations file, kept to say where something
// is wrong.
type tree struct {
	root ast.Node // nil for an empty file
}

// decode reads the file's text into its shape.
func decode(source []byte) (fileYAML, tree, error) {
	var file fileYAML
	parsed, err := parser.ParseBytes(source, 0)
	if err != nil {
		return file, tree{}, tree{}.explain(err)
	}
	var t tree
	for _, document := range parsed.Docs {
		if document.Body == nil {
			continue
		}
		if t.root != nil {
			return file, t, fmt.Errorf("line %d: a second YAML document; put all operations into one", document.Body.GetToken().Position.Line)
		}
		t.root = document.Body
	}
	if t.root == nil {
		return file, t, nil
	}
	if err := yaml.NodeToValue(t.root, &file, yaml.Strict()); err != nil {
		return file, t, t.explain(err)
	}
	return file, t, nil
}

// explain makes one line of an error of the YAML library: where, which key,
// what.
func (t tree) explain(err error) error {
	placed, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return errors.New(oneLine(err.Error()))
	}
	line, key := "", ""
	if tok := placed.GetToken(); tok != nil && tok.Position != nil {
		line, key = fmt.Sprintf("line %d: ", tok.Position.Line), t.keyAt(tok.Position)
	}
	what := placed.GetMessage()
	switch e := placed.(type) {
	case *yaml.UnknownFieldError:
		what = "is not a known key"
	case *yaml.UnexpectedNodeTypeError:
		what = fmt.Sprintf("is a %s, not a %s", nodeName(e.Actual), nodeName(e.Expected))
	case *yaml.TypeError:
		what = fmt.Sprintf("is a %s, not a %s", kindName(e.SrcType), kindName(e.DstType))
	}
	if key != "" {
		key += ": "
	}
	return errors.New(line + key + oneLine(what))
}

// nodeName names a kind of YAML node for people.
func nodeName(t ast.NodeType) string {
	switch t {
	case ast.SequenceType:
		return "list"
	case ast.IntegerType:
		return "whole number"
	case ast.FloatType:
		return "number"
	}
	return t.YAMLName()
}

// kindName names a Go type in the words of YAML.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Map, reflect.Struct:
		return "mapping"
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	}
	return t.Kind().String()
}

// place says where in the file an operation's error is.
func (t tree) place(err error, path ...string) error {
	key := ""
	if e, ok := errors.AsType[*keyError](err); ok {
		key = e.key
	}
	if key != "" {
		path = append(path, strings.Split(key, ".")...)
	}
	name := strings.Join(path, ".")
	if key != "" {
		err = errors.Unwrap(err)
	}
	return fmt.Errorf("line %d: %s: %w", t.lineOf(path), name, err)
}

// lineOf gives the line of the deepest key of path that is in the file.
func (t tree) lineOf(path []string) int {
	line, node := 1, t.root
	for _, key := range path {
		pair := find(node, key)
		if pair == nil {
			break
		}
		line, node = pair.Key.GetToken().Position.Line, pair.Value
	}
	return line
}

// find gives the entry of a mapping, or nil.
func find(node ast.Node, key string) *ast.MappingValueNode {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return nil
	}
	for entries := mapping.MapRange(); entries.Next(); {
		if pair := entries.KeyValue(); pair.Key.GetToken().Value == key {
			return pair
		}
	}
	return nil
}

// keyAt names the key whose own text or value begins at a position, or gives
// "".
func (t tree) keyAt(at *token.Position) string {
	if t.root == nil {
		return ""
	}
	search := &keySearch{at: at}
	ast.Walk(search, t.root)
	return search.found
}

// keySearch visits a tree until it meets the node that begins at a position.
type keySearch struct {
	at    *token.Position
	found string
}

// Visit implements [ast.Visitor].
func (s *keySearch) Visit(node ast.Node) ast.Visitor {
	if s.found != "" {
		return nil
	}
	if position := node.GetToken().Position; position.Line == s.at.Line && position.Column == s.at.Column {
		s.found = strings.TrimPrefix(strings.TrimPrefix(node.GetPath(), "$"), ".")
	}
	return s
}

// oneLine joins the lines of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
