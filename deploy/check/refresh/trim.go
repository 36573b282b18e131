package main

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/asyncreply/asyncreply/deploy/check"
)

// answer is what the program prints.
type answer struct {
	Results struct {
		BicepSchemaResult []element
	}
}

// element is a resource, with a body, or an object.
type element struct {
	Kind           string `json:"$type"`
	Name           string
	BodyType       *element
	WritableScopes string
	Properties     []property
	Additional     string `json:"additionalPropertiesType"`
}

type property struct {
	Name, Type, Description, Flags, Modifiers string
}

// trim keeps of an answer the resource and the objects that it consists of.
func trim(a *answer) *check.ResourceType {
	objects := map[string]*element{}
	t := &check.ResourceType{Objects: map[string]*check.ObjectType{}}
	for i := range a.Results.BicepSchemaResult {
		e := &a.Results.BicepSchemaResult[i]
		switch e.Kind {
		case "Resource":
			t.Type, t.APIVersion, _ = strings.Cut(e.Name, "@")
			t.Scopes = e.WritableScopes
			t.Body = object(e.BodyType)
		case "Object":
			objects[e.Name] = e
		}
	}
	keep(t, objects, t.Body)
	return t
}

// keep adds what the properties of o consist of.
func keep(t *check.ResourceType, objects map[string]*element, o *check.ObjectType) {
	names := []string{o.Additional}
	for _, p := range o.Properties {
		names = append(names, p.Type)
	}
	for _, name := range names {
		for name != "" && t.Objects[name] == nil {
			if e := objects[name]; e != nil {
				t.Objects[name] = object(e)
				keep(t, objects, t.Objects[name])
			}
			item, ok := strings.CutSuffix(name, "[]")
			if !ok {
				break
			}
			name = item
		}
	}
}

func object(e *element) *check.ObjectType {
	o := &check.ObjectType{Additional: e.Additional}
	for _, p := range e.Properties {
		if o.Properties == nil {
			o.Properties = map[string]*check.PropertyType{}
		}
		kept := &check.PropertyType{
			Type:     p.Type,
			Required: strings.Contains(p.Flags, "Required"),
			ReadOnly: strings.Contains(p.Flags, "ReadOnly"),
			Constant: strings.Contains(p.Flags, "DeployTimeConstant"),
		}
		limits(kept, p)
		o.Properties[p.Name] = kept
	}
	return o
}

// Limits that the description tells of.
var (
	least = regexp.MustCompile(`Minimum value is (\d+)\.`)
	most  = regexp.MustCompile(`Maximum value is (\d+)\.`)
)

func limits(kept *check.PropertyType, p property) {
	kept.Min, kept.Max = limit(least, p.Description), limit(most, p.Description)
	modifiers, pattern, _ := strings.Cut(p.Modifiers, "pattern: ")
	kept.Pattern = pattern
	for modifier := range strings.SplitSeq(modifiers, ", ") {
		name, value, _ := strings.Cut(modifier, ": ")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		length := int(n)
		switch name {
		case "minValue":
			kept.Min = &n
		case "maxValue":
			kept.Max = &n
		case "minLength":
			kept.MinLength = &length
		case "maxLength":
			kept.MaxLength = &length
		}
	}
}

func limit(pattern *regexp.Regexp, description string) *int64 {
	found := pattern.FindStringSubmatch(description)
	if found == nil {
		return nil
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
