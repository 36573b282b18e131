package check

// Pos is a place in a file; both numbers begin at 1.
type Pos struct{ Line, Column int }

// At gives the place; it makes types that embed Pos nodes.
func (p Pos) At() Pos { return p }

// Expr is an expression.
type Expr interface{ At() Pos }

type (
	// Literal is a string without interpolation, an int64, a bool or nil.
	Literal struct {
		Pos
		Value any
	}
	// Interpolation is a string with expressions in it; its parts are joined.
	Interpolation struct {
		Pos
		Parts []Expr
	}
	// Object is { … }.
	Object struct {
		Pos
		Properties []Property
	}
	// Property of an Object. The key is a string, possibly interpolated.
	Property struct {
		Pos
		Key   Expr
		Value Expr
	}
	// Array is [ … ].
	Array struct {
		Pos
		Items []Expr
	}
	// Name refers to a symbol.
	Name struct {
		Pos
		Name string
	}
	// Member is object.name, or object!.name where the object may be null.
	Member struct {
		Pos
		Object Expr
		Name   string
	}
	// Index is object[index].
	Index struct {
		Pos
		Object, Index Expr
	}
	// Call is function(…), or receiver.function(…).
	Call struct {
		Pos
		Receiver Expr // or nil
		Function string
		Args     []Expr
	}
	// Unary is ! or - before an expression.
	Unary struct {
		Pos
		Op      string
		Operand Expr
	}
	// Binary is an operator between two expressions.
	Binary struct {
		Pos
		Op          string
		Left, Right Expr
	}
	// Ternary is condition ? then : otherwise.
	Ternary struct {
		Pos
		Condition, Then, Else Expr
	}
	// Lambda is parameter => body.
	Lambda struct {
		Pos
		Param string
		Body  Expr
	}
	// For is [for item in over: body]; Index may be "".
	For struct {
		Pos
		Item, Index string
		Over        Expr
		Body        Expr
	}
	// If is what may follow = in a resource or a module, or be a For's body.
	If struct {
		Pos
		Condition Expr
		Body      *Object
	}
)

// File is one Bicep file.
type File struct {
	Path      string // below the folder that was loaded
	Scope     string // targetScope; resourceGroup where there is none
	Params    []*Param
	Vars      []*Var
	Resources []*Resource
	Modules   []*Module
	Outputs   []*Output

	symbols map[string]any // of *Param, *Var, *Resource, *Module
}

type (
	// Param is a parameter.
	Param struct {
		Pos
		Name       string
		Type       string // string, int, bool, object or array
		Default    Expr   // or nil
		Decorators []*Call
	}
	// Var is a variable.
	Var struct {
		Pos
		Name  string
		Value Expr
	}
	// Resource is a resource that is deployed, or refers to one.
	Resource struct {
		Pos
		Name       string
		Type       string
		APIVersion string
		Existing   bool
		Value      Expr // Object, If or For
	}
	// Module is another file, deployed with parameters.
	Module struct {
		Pos
		Name  string
		Path  string // as written
		Value Expr   // Object, If or For
	}
	// Output is a value that a file gives.
	Output struct {
		Pos
		Name  string
		Type  string
		Value Expr
	}
)

// body gives the object of a resource's or a module's value, its condition and
// its loop, where there are any.
func body(value Expr) (object *Object, condition Expr, loop *For) {
	if f, ok := value.(*For); ok {
		loop, value = f, f.Body
	}
	if i, ok := value.(*If); ok {
		return i.Body, i.Condition, loop
	}
	object, _ = value.(*Object)
	return object, nil, loop
}

// get finds a property by its name.
func (o *Object) get(name string) Expr {
	for _, p := range o.Properties {
		if key, ok := p.Key.(*Literal); ok && key.Value == name {
			return p.Value
		}
	}
	return nil
}
