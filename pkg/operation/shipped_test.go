package operation_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

const shippedFile = "../../deploy/operations.yaml"

func shipped(t *testing.T, name string) *operation.Operation {
	t.Helper()
	set, err := operation.Load(shippedFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Names(); !slices.Equal(got, []string{"csv-profile", "customer", "thumbnail"}) {
		t.Errorf("operations are %v", got)
	}
	o, _ := set.Lookup(name)
	return o
}

// The pattern's sample needs a non-empty id and customername and takes what
// else there is.
func TestShippedCustomer(t *testing.T) {
	o := shipped(t, "customer")
	for payload, pointer := range map[string]string{
		`{"id":"1","customername":"Ann","vip":true}`: "",
		`{"id":"1"}`:                    "/customername",
		`{"id":"1","customername":""}`:  "/customername",
		`{"id":1,"customername":"Ann"}`: "/id",
	} {
		list := violationsOf(t, o.ValidatePayload([]byte(payload)), job.CodeInvalidPayload)
		if pointer == "" && list != nil || pointer != "" && (len(list) != 1 || list[0].Pointer != pointer) {
			t.Errorf("%s: %v", payload, list)
		}
	}
	for query, ok := range map[string]bool{
		"": true, "duration=0s": true, "duration=1.5s": true, "duration=250ms": true, "duration=1m": true,
		"duration=5": false, "duration=-1s": false, "duration=2m": false, "duration=1h": false,
	} {
		if _, err := o.ValidateQuery(query); (err == nil) != ok {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// A thumbnail's parameters have the range that its handler takes.
func TestShippedThumbnail(t *testing.T) {
	o := shipped(t, "thumbnail")
	for query, want := range map[string]string{
		"": "width=256", "width=4096&format=png": "format=png&width=4096", "width=0": "", "width=4097": "", "format=gif": "", "height=5": "",
	} {
		if got, _ := o.ValidateQuery(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	if o.TakesContentType("image/webp") || !o.TakesContentType("image/png") {
		t.Error("content types are not those of the handler")
	}
}

// A CSV file may be large and go by any of its usual types.
func TestShippedCSVProfile(t *testing.T) {
	o := shipped(t, "csv-profile")
	if o.MaxPayload < 1<<30 || !o.TakesContentType("text/csv; charset=utf-8") || o.NeedsWholePayload() {
		t.Errorf("%+v", o)
	}
	if got, err := o.ValidateQuery("delimiter=tab&header=false"); got != "delimiter=tab&header=false" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// The examples that stand in the file as comments are right too.
func TestShippedExamples(t *testing.T) {
	text, err := os.ReadFile(shippedFile)
	if err != nil {
		t.Fatal(err)
	}
	commented := regexp.MustCompile(`(?m)^  # ((?:  )*[a-zA-Z]+:.*)$`)
	file := "operations:\n"
	for _, match := range commented.FindAllStringSubmatch(string(text), -1) {
		file += "  " + match[1] + "\n"
	}
	set, err := operation.Parse(strings.NewReader(file))
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	if got := set.Names(); !slices.Equal(got, []string{"render", "transcode"}) {
		t.Errorf("examples are %v", got)
	}
	if err := set.Expand(func(string) (string, bool) { return "token", true }); err != nil {
		t.Error(err)
	}
}
