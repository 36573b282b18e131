package check

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// checker checks the files of a folder.
type checker struct {
	folder   fs.FS
	files    map[string]*File
	types    map[string]*ResourceType
	mistakes []*Mistake
}

// Load reads the Bicep files of a folder and below it, and gives what is wrong
// with them in the order of the files and lines. The error is about the types
// of resources that are built in.
func Load(folder fs.FS) (map[string]*File, []*Mistake, error) {
	types, err := ResourceTypes()
	if err != nil {
		return nil, nil, err
	}
	c := &checker{folder: folder, types: types}
	c.files, c.mistakes = parseAll(folder)
	for _, file := range c.files {
		if file == nil {
			continue
		}
		f := &fileCheck{c, file, map[string]bool{}}
		f.check()
	}
	slices.SortFunc(c.mistakes, func(a, b *Mistake) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Reason, b.Reason))
	})
	return c.files, c.mistakes, nil
}

// add notes a mistake, once.
func (c *checker) add(m *Mistake) {
	if !slices.ContainsFunc(c.mistakes, func(other *Mistake) bool { return *other == *m }) {
		c.mistakes = append(c.mistakes, m)
	}
}

func (c *fileCheck) check() {
	if c.file.Scope != "resourceGroup" && c.file.Scope != "subscription" {
		c.wrong(Pos{1, 1}, "targetScope is %q, which is neither resourceGroup nor subscription", c.file.Scope)
	}
	for _, p := range c.file.Params {
		c.checkParam(p)
	}
	for _, v := range c.file.Vars {
		c.infer(v.Value, nil)
	}
	for _, r := range c.file.Resources {
		c.checkResource(r)
	}
	for _, m := range c.file.Modules {
		c.checkModule(m)
	}
	for _, o := range c.file.Outputs {
		c.want(o.Type, o.Value, nil)
		c.noSecret(o.Value, "the output "+o.Name)
	}
	c.checkUse()
}

// checkUse finds what is declared for nothing.
func (c *fileCheck) checkUse() {
	for name, symbol := range c.file.symbols {
		if c.used[name] {
			continue
		}
		switch symbol := symbol.(type) {
		case *Param:
			c.wrong(symbol.Pos, "the parameter %s is not used", name)
		case *Var:
			c.wrong(symbol.Pos, "the variable %s is not used", name)
		case *Resource:
			if symbol.Existing {
				c.wrong(symbol.Pos, "the existing resource %s is not used", name)
			}
		}
	}
}

// moduleFile gives the file of a module, or nil.
func (c *fileCheck) moduleFile(m *Module) *File { return c.files[c.modulePath(m)] }

func (c *fileCheck) modulePath(m *Module) string { return path.Join(path.Dir(c.file.Path), m.Path) }

// walk visits an expression and all within it until visit gives false.
func walk(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, child := range children(e) {
		walk(child, visit)
	}
}

func children(e Expr) []Expr {
	switch e := e.(type) {
	case *Interpolation:
		return e.Parts
	case *Object:
		var all []Expr
		for _, p := range e.Properties {
			all = append(all, p.Key, p.Value)
		}
		return all
	case *Array:
		return e.Items
	case *Member:
		return []Expr{e.Object}
	case *Index:
		return []Expr{e.Object, e.Index}
	case *Call:
		if e.Receiver != nil {
			return append([]Expr{e.Receiver}, e.Args...)
		}
		return e.Args
	case *Unary:
		return []Expr{e.Operand}
	case *Binary:
		return []Expr{e.Left, e.Right}
	case *Ternary:
		return []Expr{e.Condition, e.Then, e.Else}
	case *Lambda:
		return []Expr{e.Body}
	case *For:
		return []Expr{e.Over, e.Body}
	case *If:
		return []Expr{e.Condition, e.Body}
	}
	return nil
}
