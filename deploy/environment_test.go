package deploy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/deploy/check"
)

// environment gives the environment variables of an app or a job, and for a
// secret one the value of ticketKeys.
func environment(t *testing.T, d *check.Deployment, name string) map[string]string {
	t.Helper()
	var found *check.Deployed
	for _, app := range append(ofType(d, "Microsoft.App/containerApps"), ofType(d, "Microsoft.App/jobs")...) {
		if app.Name == name {
			found = app
		}
	}
	if found == nil {
		t.Fatalf("there is no app %s", name)
	}
	all := map[string]string{}
	for _, variable := range list(get(t, found.Body, "properties", "template", "containers", 0, "env")) {
		v := variable.(map[string]any)
		if _, twice := all[v["name"].(string)]; twice {
			t.Errorf("%s: %s is set twice", name, v["name"])
		}
		value, _ := v["value"].(string)
		if ref := v["secretRef"]; ref != nil {
			value = ticketKeys
			checkSecret(t, found, ref)
		}
		all[v["name"].(string)] = value
	}
	return all
}

// ticketKeys stand for the secret that a replica finds in its environment.
const ticketKeys = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

// checkSecret states that a secret that a variable names is one of the app's,
// and comes from the key vault by an identity that the app has.
func checkSecret(t *testing.T, app *check.Deployed, name any) {
	t.Helper()
	for _, secret := range list(app.Get("properties.configuration.secrets")) {
		if get(t, secret, "name") != name {
			continue
		}
		url, identity := get(t, secret, "keyVaultUrl").(string), get(t, secret, "identity").(string)
		if !regexp.MustCompile(`^https://kv-\w+\.vault\.azure\.net/secrets/ticket-keys$`).MatchString(url) || !strings.HasSuffix(identity, "/id-platform") {
			t.Errorf("%s: the secret is %s, read by %s", app.Name, url, identity)
		}
		return
	}
	t.Errorf("%s has no secret %s", app.Name, name)
}
