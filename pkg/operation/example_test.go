package operation_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/operation"
)

const file = `
operations:
  greet:
    schema:
      type: object
      required: [name]
      properties:
        name: {type: string, minLength: 1}
    parameters:
      language: {enum: [en, de], default: en}
    processor:
      go: greet
`

func ExampleParse() {
	set, err := operation.Parse(strings.NewReader(file))
	if err != nil {
		log.Fatal(err)
	}
	greet, _ := set.Lookup("greet")
	fmt.Println(greet.Processor.Go, greet.AttemptTimeout, greet.Retry.Attempts)
	// Output: greet 1h0m0s 3
}

func ExampleParse_mistake() {
	_, err := operation.Parse(strings.NewReader("operations:\n  greet:\n    queueTimeout: 30\n    processor: {go: greet}\n"))
	fmt.Println(err)
	// Output: line 3: operations.greet.queueTimeout: 30 has no unit; write for example 30s, 30m or 30h
}

func ExampleOperation_ValidatePayload() {
	set, _ := operation.Parse(strings.NewReader(file))
	greet, _ := set.Lookup("greet")
	err := greet.ValidatePayload([]byte(`{}`))
	if wrong, ok := errors.AsType[*operation.Violations](err); ok {
		fmt.Println(wrong.List[0].Pointer, wrong.List[0].Detail)
	}
	// Output: /name is missing
}

func ExampleOperation_ValidateQuery() {
	set, _ := operation.Parse(strings.NewReader(file))
	greet, _ := set.Lookup("greet")
	fmt.Println(greet.ValidateQuery(""))
	_, err := greet.ValidateQuery("language=fr")
	fmt.Println(err)
	// Output:
	// language=en <nil>
	// InvalidParameter: The query string does not fit the operation's parameters.: language value must be one of 'en', 'de'
}

func ExampleSet_Expand() {
	set, err := operation.Parse(strings.NewReader(`
operations:
  forward:
    processor:
      http:
        url: https://backend.example/work
        headers: {Authorization: "Bearer ${BACKEND_TOKEN}"}
`))
	if err != nil {
		log.Fatal(err)
	}
	environment := map[string]string{"BACKEND_TOKEN": "t0ken"}
	err = set.Expand(func(name string) (string, bool) { value, ok := environment[name]; return value, ok })
	forward, _ := set.Lookup("forward")
	fmt.Println(forward.Processor.HTTP.Headers["Authorization"], err)
	// Output: Bearer t0ken <nil>
}
