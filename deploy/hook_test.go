package deploy_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// standIn is a shell script in place of the Azure CLI, which cannot be had
// without Azure. It notes how it was called, keeps the parameters that it was
// given, and answers from the environment.
const standIn = `#!/bin/sh
echo "$*" >>"$NOTES/calls"
for argument; do
	case "$argument" in @*) cp "${argument#@}" "$NOTES/parameters" ;; esac
done
case "$*" in
"group exists"*) echo "$GROUP_EXISTS" ;;
"keyvault list"*) echo "$VAULT" ;;
"rest --method get --url $VAULT/secrets?"*) [ -n "$STORED" ] && echo "$STORED" ;;
"deployment sub show"*registryName*) echo cr1 ;;
"deployment sub show"*registryServer*) echo cr1.azurecr.io ;;
"acr repository list"*) echo "$REPOSITORY" ;;
"acr repository show-tags"*) echo "$TAG" ;;
esac
`

// prepare runs the hook in a copy of the tree's root with a stand-in for az.
func prepare(t *testing.T, env ...string) (output string, calls string, keys string, err error) {
	t.Helper()
	dir, notes := t.TempDir(), t.TempDir()
	hook := filepath.Join(dir, "deploy", "hooks", "prepare.sh")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	az := filepath.Join(notes, "az")
	for path, content := range map[string]string{hook: read(t, "hooks/prepare.sh"), az: standIn} {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), hook)
	cmd.Env = append([]string{"PATH=" + notes + ":/usr/bin:/bin", "NOTES=" + notes, "AZURE_ENV_NAME=test", "AZURE_LOCATION=westeurope", "AUTH_MODE=none", "GROUP_EXISTS=false"}, env...)
	out, err := cmd.CombinedOutput()
	made, _ := os.ReadFile(filepath.Join(notes, "calls"))
	var parameters struct {
		Parameters map[string]struct{ Value any }
	}
	if text, readErr := os.ReadFile(filepath.Join(notes, "parameters")); readErr == nil {
		if err := json.Unmarshal(text, &parameters); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		declared := map[string]bool{}
		for _, p := range files(t)["foundations.bicep"].Params {
			declared[p.Name] = true
		}
		for name := range parameters.Parameters {
			if !declared[name] {
				t.Errorf("foundations.bicep has no parameter %s", name)
			}
		}
	}
	keys, _ = parameters.Parameters["ticketKeys"].Value.(string)
	return string(out), string(made), keys, err
}

// TestFirstDeployment states that the first deployment makes a ticket key,
// shows it to nobody, and builds the image.
func TestFirstDeployment(t *testing.T) {
	out, calls, keys, err := prepare(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if key, err := base64.StdEncoding.DecodeString(keys); err != nil || len(key) != 32 {
		t.Errorf("the key is %q", keys)
	}
	if strings.Contains(out+calls, keys) {
		t.Error("the key is shown")
	}
	if !strings.Contains(calls, "deployment sub create") || !strings.Contains(calls, "acr build --registry cr1 --image asyncreply:unversioned-") {
		t.Errorf("called\n%s", calls)
	}
}

// TestLaterDeployments states that keys that are stored are left alone, and so
// is an image that is there.
func TestLaterDeployments(t *testing.T) {
	out, calls, keys, err := prepare(t, "GROUP_EXISTS=true", "VAULT=/vaults/kv", "STORED=1", "REPOSITORY=asyncreply", "TAG=v1")
	if err != nil || keys != "" || strings.Contains(calls, "acr build") || !strings.Contains(calls, "deployment sub create") {
		t.Errorf("%v, keys %q, %s\ncalled\n%s", err, keys, out, calls)
	}
}

// TestDoubtAboutKeys states that keys are never replaced because it could not
// be seen whether there are some: then nothing is deployed.
func TestDoubtAboutKeys(t *testing.T) {
	for _, env := range [][]string{
		{"GROUP_EXISTS=true", "VAULT=/vaults/kv", "STORED="},
		{"GROUP_EXISTS=true", "VAULT=/vaults/kv", "STORED=none"},
	} {
		out, calls, _, err := prepare(t, env...)
		if err == nil || strings.Contains(calls, "deployment sub create") {
			t.Errorf("%v: %v, %s\ncalled\n%s", env, err, out, calls)
		}
	}
}

// TestVaultWithoutKeys states that a vault that was made before its keys gets
// some, as after a deployment that was interrupted.
func TestVaultWithoutKeys(t *testing.T) {
	out, _, keys, err := prepare(t, "GROUP_EXISTS=true", "VAULT=/vaults/kv", "STORED=0")
	if err != nil || keys == "" {
		t.Errorf("%v, keys %q, %s", err, keys, out)
	}
}

// TestHookNeeds states that a missing setting is one line, before anything is
// done.
func TestHookNeeds(t *testing.T) {
	for _, name := range []string{"AZURE_ENV_NAME", "AZURE_LOCATION", "AUTH_MODE"} {
		out, calls, _, err := prepare(t, name+"=")
		if err == nil || calls != "" || strings.Count(out, "\n") != 1 || !strings.Contains(out, name) {
			t.Errorf("without %s: %v, %q, called %q", name, err, out, calls)
		}
	}
}

// TestAzd states that azure.yaml names files that are there.
func TestAzd(t *testing.T) {
	var project struct {
		Name  string
		Infra struct{ Provider, Path, Module string }
		Hooks map[string]struct {
			Shell, Run  string
			Interactive bool
		}
		Workflows map[string]struct{ Steps []map[string]string }
	}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "../azure.yaml")), yaml.Strict())
	if err := decoder.Decode(&project); err != nil {
		t.Fatal(err)
	}
	template := filepath.Join("..", project.Infra.Path, project.Infra.Module)
	for _, path := range []string{template + ".bicep", template + ".parameters.json", filepath.Join("..", project.Hooks["preprovision"].Run)} {
		info, err := os.Stat(path)
		if err != nil || strings.HasSuffix(path, ".sh") && info.Mode()&0o111 == 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if steps := project.Workflows["up"].Steps; len(steps) != 1 || steps[0]["azd"] != "provision" {
		t.Errorf("azd up does %v", steps)
	}
}
