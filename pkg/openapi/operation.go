package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/operation"
)

// pathItem describes the resource of one operation, which answers a GET as
// described says and a POST as submitted does.
func pathItem(o *operation.Operation, described, submitted any) map[string]any {
	post := map[string]any{
		"operationId": "submit_" + o.Name,
		"summary":     "Submit " + o.Name,
		"tags":        []string{"jobs"},
		"parameters":  parameters(o),
		"requestBody": requestBody(o),
		"responses":   submitted,
	}
	if o.Description != "" {
		post["description"] = o.Description
	}
	get := map[string]any{
		"operationId": "describe_" + o.Name,
		"summary":     "What " + o.Name + " takes",
		"tags":        []string{"operations"},
		"responses":   described,
	}
	return map[string]any{"get": get, "post": post}
}

// parameters are the operation's own, and those of every submission.
func parameters(o *operation.Operation) []any {
	var all []any
	declared := o.Parameters()
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		schema, ok := declared[name].(map[string]any)
		if !ok {
			continue
		}
		schema = maps.Clone(schema)
		// Beside JSON Schema's keywords the operations file has this one.
		required, _ := schema["required"].(bool)
		delete(schema, "required")
		parameter := map[string]any{"name": name, "in": "query", "schema": schema}
		if required {
			parameter["required"] = true
		}
		all = append(all, parameter)
	}
	for _, name := range []string{"idempotencyKey", "onComplete", "onPending"} {
		all = append(all, reference("parameters/"+name))
	}
	return all
}

func reference(component string) map[string]any {
	return map[string]any{"$ref": "#/components/" + component}
}

// requestBody has the operation's schema for JSON, and none for anything else.
func requestBody(o *operation.Operation) map[string]any {
	types := o.ContentTypes
	if len(types) == 0 {
		types = []string{"*/*"}
	}
	content := map[string]any{}
	for _, name := range types {
		schema := map[string]any{}
		if own := o.Schema(); own != nil && strings.Contains(name, "json") {
			schema = embedded(own, o.Name)
		}
		content[name] = map[string]any{"schema": schema}
	}
	return map[string]any{"content": content, "required": o.Schema() != nil}
}

// embedded gives a schema that may lie inside another document: references
// within it lead to itself.
func embedded(schema map[string]any, name string) map[string]any {
	if _, named := schema["$id"]; named {
		return schema
	}
	schema = maps.Clone(schema)
	schema["$id"] = "urn:asyncreply:operation:" + name
	return schema
}
