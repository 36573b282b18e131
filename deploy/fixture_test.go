package deploy_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/asyncreply/asyncreply/deploy/check"
)

// required are the parameters of main.bicep without a default.
var required = map[string]any{
	"environmentName": "test", "location": "westeurope", "image": "cr.example/asyncreply:1", "authMode": "none",
}

// deployment gives what main.bicep would deploy.
func deployment(t *testing.T, params map[string]any) *check.Deployment {
	t.Helper()
	all := maps.Clone(required)
	maps.Copy(all, params)
	return evaluate(t, "main.bicep", all)
}

// evaluate gives what a file would deploy.
func evaluate(t *testing.T, file string, params map[string]any) *check.Deployment {
	t.Helper()
	folder := os.DirFS(".")
	d, err := check.Evaluate(folder, files(t), file, params, &check.Options{Runtime: runtime})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func files(t *testing.T) map[string]*check.File {
	t.Helper()
	files, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var loaded = sync.OnceValues(func() (map[string]*check.File, error) {
	files, mistakes, err := check.Load(os.DirFS("."))
	if err == nil && len(mistakes) > 0 {
		err = mistakes[0]
	}
	return files, err
})

// runtime gives of what Azure sets that which other settings are made of.
func runtime(resourceType, name, path string) any {
	switch resourceType + " " + path {
	case "Microsoft.ServiceBus/namespaces properties.serviceBusEndpoint":
		return "https://" + name + ".servicebus.windows.net:443/"
	case "Microsoft.KeyVault/vaults properties.vaultUri":
		return "https://" + name + ".vault.azure.net/"
	case "Microsoft.App/managedEnvironments properties.defaultDomain":
		return "apps.example.azurecontainerapps.io"
	}
	return nil
}

// ofType gives the resources of a type.
func ofType(d *check.Deployment, resourceType string) (found []*check.Deployed) {
	for _, r := range d.Resources {
		if r.Type == resourceType {
			found = append(found, r)
		}
	}
	return found
}

// one gives the resource with a type and name.
func one(t *testing.T, d *check.Deployment, resourceType, name string) *check.Deployed {
	t.Helper()
	for _, r := range ofType(d, resourceType) {
		if r.Name == name || name == "" {
			return r
		}
	}
	t.Fatalf("there is no %s %s", resourceType, name)
	return nil
}

// get follows names and the indexes of arrays.
func get(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		var ok bool
		switch step := step.(type) {
		case string:
			var object map[string]any
			object, ok = value.(map[string]any)
			value = object[step]
		case int:
			var array []any
			array, ok = value.([]any)
			if ok = ok && step < len(array); ok {
				value = array[step]
			}
		}
		if !ok {
			t.Fatalf("there is no %v", path)
		}
	}
	return value
}

func list(value any) []any {
	all, _ := value.([]any)
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestParametersFile states that main.parameters.json gives each parameter but
// the secret one, and its default where there is one.
func TestParametersFile(t *testing.T) {
	var given struct {
		Parameters map[string]struct{ Value string }
	}
	if err := json.Unmarshal([]byte(read(t, "main.parameters.json")), &given); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`^\$\{[A-Z_]+(=(.*))?\}$`)
	for _, p := range files(t)["main.bicep"].Params {
		value, ok := given.Parameters[p.Name]
		delete(given.Parameters, p.Name)
		match := variable.FindStringSubmatch(value.Value)
		switch {
		case p.Name == "ticketKeys":
			if ok {
				t.Error("ticketKeys is given: it would be kept in azd's files")
			}
		case match == nil:
			t.Errorf("%s is %q", p.Name, value.Value)
		case (match[1] != "") != (p.Default != nil):
			t.Errorf("%s is %q, which has no default where the parameter has one, or the other way round", p.Name, value.Value)
		case p.Default != nil:
			if want := p.Default.(*check.Literal).Value; match[2] != text(want) {
				t.Errorf("%s is %q by default, %q in main.bicep", p.Name, match[2], text(want))
			}
		}
	}
	for name := range given.Parameters {
		t.Errorf("main.bicep has no parameter %s", name)
	}
}

func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	encoded, _ := json.Marshal(value)
	return string(encoded)
}

// TestDocumented states that the documentation tells of each parameter and of
// each alert.
func TestDocumented(t *testing.T) {
	deploying, operating := read(t, "../docs/deployment.md"), read(t, "../docs/operations.md")
	for _, p := range files(t)["main.bicep"].Params {
		if !strings.Contains(deploying, "`"+p.Name+"`") {
			t.Errorf("docs/deployment.md says nothing of the parameter %s", p.Name)
		}
	}
	d := deployment(t, nil)
	for _, alert := range append(ofType(d, "Microsoft.Insights/metricAlerts"), ofType(d, "Microsoft.Insights/scheduledQueryRules")...) {
		if !strings.Contains(operating, "### "+alert.Name+"\n") {
			t.Errorf("docs/operations.md has no section on the alert %s", alert.Name)
		}
	}
	for _, page := range []string{deploying, operating} {
		for _, match := range regexp.MustCompile("`(deploy/[^` ]+)`").FindAllStringSubmatch(page, -1) {
			if _, err := fs.Stat(os.DirFS(".."), match[1]); err != nil {
				t.Errorf("the documentation names %s: %v", match[1], err)
			}
		}
	}
}
