package check

// function is what is known of a function: its parameters, of which those from
// required on may be left out and the last may repeat, and its result.
type function struct {
	params   []string // kinds, as in shape; "stringOrArray" and "list" (array, string or object) beside them
	required int
	repeats  bool
	result   func(args []*shape) *shape
}

func fixed(s *shape) func([]*shape) *shape { return func([]*shape) *shape { return s } }

func first(args []*shape) *shape { return args[0] }

// itemOf gives the shape of an item of the first argument.
func itemOf(args []*shape) *shape {
	switch {
	case args[0].kind == "string":
		return stringShape
	case args[0].item != nil:
		return args[0].item
	}
	return anyShape
}

func texts(n int) []string {
	kinds := make([]string, n)
	for i := range kinds {
		kinds[i] = "string"
	}
	return kinds
}

func object(fields map[string]*shape) *shape { return &shape{kind: "object", fields: fields} }

// environment is what is used of the cloud that is deployed to.
var environment = object(map[string]*shape{
	"suffixes":       object(map[string]*shape{"storage": stringShape}),
	"authentication": object(map[string]*shape{"loginEndpoint": stringShape}),
})

// functions are those of Bicep that the files use; see
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions.
var functions = map[string]function{
	"cidrSubnet":             {[]string{"string", "int", "int"}, 3, false, fixed(stringShape)},
	"concat":                 {[]string{"array"}, 1, true, concatShape},
	"contains":               {[]string{"list", "any"}, 2, false, fixed(boolShape)},
	"empty":                  {[]string{"list"}, 1, false, fixed(boolShape)},
	"environment":            {nil, 0, false, fixed(environment)},
	"filter":                 {[]string{"array", "any"}, 2, false, first},
	"first":                  {[]string{"stringOrArray"}, 1, false, itemOf},
	"guid":                   {texts(1), 1, true, fixed(stringShape)},
	"int":                    {[]string{"any"}, 1, false, fixed(intShape)},
	"join":                   {[]string{"array", "string"}, 2, false, fixed(stringShape)},
	"json":                   {texts(1), 1, false, fixed(anyShape)},
	"last":                   {[]string{"stringOrArray"}, 1, false, itemOf},
	"length":                 {[]string{"list"}, 1, false, fixed(intShape)},
	"loadTextContent":        {texts(1), 1, false, fixed(stringShape)},
	"map":                    {[]string{"array", "any"}, 2, false, mapShape},
	"replace":                {texts(3), 3, false, fixed(stringShape)},
	"split":                  {texts(2), 2, false, fixed(arrayOf(stringShape))},
	"string":                 {[]string{"any"}, 1, false, fixed(stringShape)},
	"subscription":           {nil, 0, false, fixed(object(map[string]*shape{"id": stringShape, "subscriptionId": stringShape, "tenantId": stringShape}))},
	"subscriptionResourceId": {texts(2), 2, true, fixed(stringShape)},
	"take":                   {[]string{"stringOrArray", "int"}, 2, false, first},
	"tenant":                 {nil, 0, false, fixed(object(map[string]*shape{"tenantId": stringShape}))},
	"toLower":                {texts(1), 1, false, fixed(stringShape)},
	"uniqueString":           {texts(1), 1, true, fixed(stringShape)},
}

func concatShape(args []*shape) *shape {
	all := args[0]
	for _, arg := range args[1:] {
		all = either(all, arg)
	}
	return all
}

func mapShape(args []*shape) *shape { return arrayOf(args[1]) }

// takes reports whether a parameter of the given kind takes s.
func takes(kind string, s *shape) bool {
	switch {
	case kind == "any" || s.kind == "any":
		return true
	case kind == "stringOrArray":
		return s.kind == "string" || s.kind == "array"
	case kind == "list":
		return s.kind == "string" || s.kind == "array" || s.kind == "object"
	}
	return s.kind == kind
}
