package check

// Properties of a module's object.
var moduleProperties = map[string]bool{"name": true, "scope": true, "params": true, "dependsOn": true}

func (c *fileCheck) checkModule(m *Module) {
	object, condition, loop := body(m.Value)
	s := c.enter(m.Pos, object, condition, loop)
	c.dependsOn(object, s)
	for _, p := range object.Properties {
		if key, ok := p.Key.(*Literal); !ok || !moduleProperties[key.Value.(string)] {
			c.wrong(p.Pos, "a module has name, scope, params and dependsOn only")
		}
	}
	file := c.moduleFile(m)
	if file == nil {
		if _, ok := c.files[c.modulePath(m)]; !ok {
			c.wrong(m.Pos, "there is no module %s", m.Path)
		}
		c.infer(object, s)
		return
	}
	c.moduleScope(m, file, object, s)
	params := object.get("params")
	if params == nil {
		params = &Object{Pos: m.Pos}
	}
	given, ok := params.(*Object)
	if !ok {
		c.wrong(params.At(), "params is an object")
		return
	}
	c.moduleParams(m, file, given, s)
}

// moduleScope checks that a module for a resource group is deployed to one.
func (c *fileCheck) moduleScope(m *Module, file *File, o *Object, s *scope) {
	scope := o.get("scope")
	if scope == nil {
		if file.Scope != c.file.Scope {
			c.wrong(m.Pos, "%s is about a %s: it needs a scope", file.Path, file.Scope)
		}
		return
	}
	of := c.infer(scope, s)
	if of.kind != "resource" || of.resource.Type != "Microsoft.Resources/resourceGroups" {
		c.wrong(scope.At(), "the scope of a module is a resource group here, not %s", of)
	} else if file.Scope != "resourceGroup" {
		c.wrong(scope.At(), "%s is about a %s", file.Path, file.Scope)
	}
}

func (c *fileCheck) moduleParams(m *Module, file *File, given *Object, s *scope) {
	for _, p := range given.Properties {
		key, ok := p.Key.(*Literal)
		if !ok {
			c.wrong(p.Pos, "a parameter's name is not put together")
			continue
		}
		param, ok := file.symbols[key.Value.(string)].(*Param)
		if !ok {
			c.infer(p.Value, s)
			c.wrong(p.Pos, "%s has no parameter %s", file.Path, key.Value)
			continue
		}
		is := c.want(param.Type, p.Value, s)
		c.checkValue(p.Value, is, param)
		if !param.secure() {
			c.noSecret(p.Value, "the parameter "+param.Name)
		}
	}
	for _, param := range file.Params {
		if param.Default == nil && given.get(param.Name) == nil {
			c.wrong(m.Pos, "%s needs the parameter %s", file.Path, param.Name)
		}
	}
}
