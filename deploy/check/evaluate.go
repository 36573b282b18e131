package check

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Deployed is a resource as it would be deployed.
type Deployed struct {
	Type string
	Name string
	ID   string
	// Scope is the id of the resource that an extension is about, such as a
	// role assignment; "" for others.
	Scope string
	// Body is what the file sets, of string, int64, bool, nil, []any and
	// map[string]any.
	Body map[string]any
}

// Get gives the value under a path such as properties.sku.name, or nil.
func (d *Deployed) Get(path string) any {
	var value any = d.Body
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

// Deployment is what a file would deploy, with its modules.
type Deployment struct {
	Resources []*Deployed
	Outputs   map[string]any
}

// Options say what cannot be known from the files.
type Options struct {
	// Runtime gives a property that Azure sets, such as
	// properties.defaultDomain of a resource. What it does not know, it answers
	// with nil; that becomes "{NAME.PATH}".
	Runtime func(resourceType, name, path string) any
}

// Evaluate works out the file at path for the given parameters. The files must
// be without mistakes.
func Evaluate(folder fs.FS, files map[string]*File, path string, params map[string]any, opts *Options) (d *Deployment, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Mistake:
			err = r
		default:
			panic(r)
		}
	}()
	e := &evaluator{folder: folder, files: files, runtime: opts.Runtime, all: &Deployment{}}
	i := e.instantiate(files[path], params, "/subscriptions/S")
	e.all.Outputs = i.outputs()
	return e.all, nil
}

type evaluator struct {
	folder  fs.FS
	files   map[string]*File
	runtime func(resourceType, name, path string) any
	all     *Deployment
}

// instance is a file with its parameters.
type instance struct {
	*evaluator
	file   *File
	params map[string]any
	scope  string // id of the resource group or the subscription
	values map[string]any
}

type (
	// reference is a resource as an expression sees it.
	reference struct {
		in       *instance
		resource *Resource
		body     *Object
		vars     map[string]any
		name, id string
	}
	// unknown is a property that Azure sets.
	unknown struct {
		of   *reference
		path string
	}
)

func (e *evaluator) instantiate(f *File, params map[string]any, scope string) *instance {
	i := &instance{e, f, map[string]any{}, scope, map[string]any{}}
	for _, p := range f.Params {
		value, ok := params[p.Name]
		switch {
		case ok:
			i.params[p.Name] = value
		case p.Default != nil:
			i.params[p.Name] = i.eval(p.Default, nil)
		default:
			i.fail(p.Pos, "the parameter %s has no value", p.Name)
		}
	}
	for _, m := range f.Modules {
		i.symbol(m.Name)
	}
	for _, r := range f.Resources {
		i.symbol(r.Name)
	}
	return i
}

func (i *instance) fail(at Pos, format string, args ...any) {
	panic(&Mistake{i.file.Path, at, fmt.Sprintf(format, args...)})
}

func (i *instance) outputs() map[string]any {
	all := map[string]any{}
	for _, o := range i.file.Outputs {
		all[o.Name] = plain(i.eval(o.Value, nil))
	}
	return all
}

// symbol gives the value of what is declared under a name, working it out on
// first use.
func (i *instance) symbol(name string) any {
	if value, ok := i.params[name]; ok {
		return value
	}
	if value, ok := i.values[name]; ok {
		return value
	}
	var value any
	switch symbol := i.file.symbols[name].(type) {
	case *Var:
		value = i.eval(symbol.Value, nil)
	case *Resource:
		value = i.each(symbol.Value, func(o *Object, vars map[string]any) any { return i.deploy(symbol, o, vars) })
	case *Module:
		value = i.each(symbol.Value, func(o *Object, vars map[string]any) any { return i.module(symbol, o, vars) })
	}
	i.values[name] = value
	return value
}

// each makes what a declaration stands for: one value, an array of them where
// there is a loop, or nil where the condition does not hold.
func (i *instance) each(value Expr, one func(*Object, map[string]any) any) any {
	object, condition, loop := body(value)
	conditional := func(vars map[string]any) any {
		if condition != nil && i.eval(condition, vars) != true {
			return nil
		}
		return one(object, vars)
	}
	if loop == nil {
		return conditional(nil)
	}
	return i.loop(loop, nil, conditional)
}

func (i *instance) loop(f *For, vars map[string]any, one func(map[string]any) any) []any {
	all := []any{}
	for n, item := range i.eval(f.Over, vars).([]any) {
		inner := maps.Clone(vars)
		if inner == nil {
			inner = map[string]any{}
		}
		inner[f.Item] = item
		inner[f.Index] = int64(n)
		all = append(all, one(inner))
	}
	return all
}

// deploy adds a resource, unless it exists already.
func (i *instance) deploy(r *Resource, o *Object, vars map[string]any) any {
	ref := &reference{in: i, resource: r, body: o, vars: vars, name: textOf(i.eval(o.get("name"), vars))}
	d := &Deployed{Type: r.Type, Name: ref.name}
	segments := strings.Split(r.Type, "/")
	switch parent := o.get("parent"); {
	case parent != nil:
		ref.id = i.eval(parent, vars).(*reference).id + "/" + segments[len(segments)-1] + "/" + ref.name
	case o.get("scope") != nil:
		d.Scope = i.eval(o.get("scope"), vars).(*reference).id
		ref.id = d.Scope + "/providers/" + r.Type + "/" + ref.name
	case r.Type == "Microsoft.Resources/resourceGroups":
		ref.id = i.scope + "/resourceGroups/" + ref.name
	default:
		ref.id = i.scope + "/providers/" + r.Type + "/" + ref.name
	}
	if r.Existing {
		return ref
	}
	d.ID = ref.id
	own := *o
	own.Properties = slices.DeleteFunc(slices.Clone(o.Properties), func(p Property) bool {
		key, ok := p.Key.(*Literal)
		return ok && slices.Contains(ownProperties, key.Value.(string))
	})
	d.Body = plain(i.eval(&own, vars)).(map[string]any)
	i.all.Resources = append(i.all.Resources, d)
	return ref
}

// module works a module out and gives its outputs.
func (i *instance) module(m *Module, o *Object, vars map[string]any) any {
	file := i.files[path.Join(path.Dir(i.file.Path), m.Path)]
	params := map[string]any{}
	if given, ok := o.get("params").(*Object); ok {
		params = i.eval(given, vars).(map[string]any)
	}
	scope := i.scope
	if s := o.get("scope"); s != nil {
		scope = i.eval(s, vars).(*reference).id
	}
	return map[string]any{"outputs": i.instantiate(file, params, scope).outputs()}
}
