package check

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// ResourceType is what Azure says of a type of resource at its newest version.
type ResourceType struct {
	Type       string                 `json:"type"`
	APIVersion string                 `json:"apiVersion"`
	Scopes     string                 `json:"scopes"`           // where it can be deployed, as in ResourceGroup
	Source     string                 `json:"source,omitempty"` // where the description is not Azure's: the page it was written from
	Body       *ObjectType            `json:"body"`
	Objects    map[string]*ObjectType `json:"objects"` // by name, as the properties' types name them
}

// ObjectType is a type of object.
type ObjectType struct {
	Properties map[string]*PropertyType `json:"properties,omitempty"`
	Additional string                   `json:"additional,omitempty"` // type of the values under any other name
}

// PropertyType is the type of a property. Type is any, string, int, bool, the
// name of an object, a literal, alternatives separated by " | ", or one of
// them followed by [].
type PropertyType struct {
	Type      string `json:"type"`
	Required  bool   `json:"required,omitempty"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
	Constant  bool   `json:"constant,omitempty"` // known before the deployment
	Min       *int64 `json:"min,omitempty"`
	Max       *int64 `json:"max,omitempty"`
	MinLength *int   `json:"minLength,omitempty"`
	MaxLength *int   `json:"maxLength,omitempty"`
	Pattern   string `json:"pattern,omitempty"`
}

//go:embed types/*.json
var typeFiles embed.FS

// ResourceTypes gives the types that are known, by their lower-case names. They
// are not to be changed.
func ResourceTypes() (map[string]*ResourceType, error) { return resourceTypes() }

var resourceTypes = sync.OnceValues(readTypes)

func readTypes() (map[string]*ResourceType, error) {
	known := map[string]*ResourceType{}
	paths, err := fs.Glob(typeFiles, "types/*.json")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := typeFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var types []*ResourceType
		if err := json.Unmarshal(text, &types); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, t := range types {
			known[strings.ToLower(t.Type)] = t
		}
	}
	return known, nil
}

// target is a type that a value is to have.
type target struct {
	resource *ResourceType
	name     string // as PropertyType.Type
	limits   *PropertyType
}

// item gives the type of an array's items.
func (t target) item() (target, bool) {
	name, ok := strings.CutSuffix(t.name, "[]")
	return target{resource: t.resource, name: name}, ok
}

// object gives the description of an object type.
func (t target) object() *ObjectType { return t.resource.Objects[t.name] }

// alternatives gives the literals of a string type, and whether any other
// string will do as far as the type says.
func (t target) alternatives() (literals []string, open bool) {
	for alternative := range strings.SplitSeq(t.name, " | ") {
		if alternative == "string" {
			open = true
		} else {
			literals = append(literals, alternative)
		}
	}
	return literals, open
}
