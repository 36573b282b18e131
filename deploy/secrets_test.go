package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// TestNoKeys states that nothing that is deployed can be used with a key.
func TestNoKeys(t *testing.T) {
	d := deployment(t, nil)
	for _, want := range []struct {
		resourceType, path string
		value              any
	}{
		{"Microsoft.ServiceBus/namespaces", "properties.disableLocalAuth", true},
		{"Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess", false},
		{"Microsoft.Storage/storageAccounts", "properties.allowBlobPublicAccess", false},
		{"Microsoft.Storage/storageAccounts", "properties.supportsHttpsTrafficOnly", true},
		{"Microsoft.Storage/storageAccounts", "properties.isLocalUserEnabled", false},
		{"Microsoft.ContainerRegistry/registries", "properties.adminUserEnabled", false},
		{"Microsoft.ContainerRegistry/registries", "properties.anonymousPullEnabled", false},
		{"Microsoft.KeyVault/vaults", "properties.enableRbacAuthorization", true},
		{"Microsoft.KeyVault/vaults", "properties.enablePurgeProtection", true},
		{"Microsoft.OperationalInsights/workspaces", "properties.features.disableLocalAuth", true},
		{"Microsoft.Insights/components", "properties.DisableLocalAuth", true},
		{"Microsoft.App/managedEnvironments", "properties.appLogsConfiguration.destination", "azure-monitor"},
	} {
		if got := one(t, d, want.resourceType, "").Get(want.path); got != want.value {
			t.Errorf("%s of %s is %v, want %v", want.path, want.resourceType, got, want.value)
		}
	}
	for _, name := range []string{"acceptor", "status", "worker"} {
		for _, variable := range list(get(t, one(t, d, "Microsoft.App/containerApps", name).Body, "properties", "template", "containers", 0, "env")) {
			if name := get(t, variable, "name").(string); strings.Contains(name, "CONNECTION_STRING") {
				t.Errorf("%s is set", name)
			}
		}
	}
}

// TestRoles states who may do what where: this and nothing else.
func TestRoles(t *testing.T) {
	names := map[string]string{
		"69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Service Bus Data Sender",
		"4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Service Bus Data Receiver",
		"090c5cfd-751d-490a-894a-3ce6f1109419": "Service Bus Data Owner",
		"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
		"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
		"db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
		"0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
		"76199698-9eea-4c19-bc75-cec21354c6b6": "Storage Table Data Reader",
		"7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
		"4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
	}
	want := []string{
		"acceptor: Service Bus Data Sender on queues/jobs",
		"acceptor: Storage Blob Data Contributor on containers/payloads",
		"acceptor: Storage Table Data Contributor on tables/jobskeys",
		"acceptor: Storage Table Data Reader on tables/jobsestimates",
		"platform: AcrPull on registries/cr",
		"platform: Key Vault Secrets User on vaults/kv",
		"scaler: Service Bus Data Owner on queues/jobs",
		"status: Storage Blob Data Reader on containers/results",
		"status: Storage Blob Delegator on storageAccounts/st",
		"status: Storage Table Data Contributor on storageAccounts/st",
		"worker: Service Bus Data Receiver on queues/jobs",
		"worker: Service Bus Data Sender on queues/jobs",
		"worker: Storage Blob Data Contributor on containers/payloads",
		"worker: Storage Blob Data Contributor on containers/results",
		"worker: Storage Table Data Contributor on storageAccounts/st",
	}
	d := deployment(t, nil)
	token := strings.TrimPrefix(one(t, d, "Microsoft.Storage/storageAccounts", "").Name, "st")
	var got []string
	ids := map[string]bool{}
	for _, r := range ofType(d, "Microsoft.Authorization/roleAssignments") {
		who := strings.TrimSuffix(strings.TrimPrefix(r.Get("properties.principalId").(string), "{id-"), ".properties.principalId}")
		role := r.Get("properties.roleDefinitionId").(string)
		scope := strings.Split(r.Scope, "/")
		where := strings.Join(scope[len(scope)-2:], "/")
		where = strings.TrimRight(strings.TrimSuffix(where, token), "-")
		got = append(got, fmt.Sprintf("%s: %s on %s", who, names[role[strings.LastIndex(role, "/")+1:]], where))
		if ids[r.ID] {
			t.Errorf("two assignments have the id %s", r.ID)
		}
		ids[r.ID] = true
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestIdentities states that a container can act as its service and as nobody
// else: the identities that pull images, read keys and count messages are the
// platform's alone.
func TestIdentities(t *testing.T) {
	d := deployment(t, nil)
	apps := append(ofType(d, "Microsoft.App/containerApps"), ofType(d, "Microsoft.App/jobs")...)
	if len(apps) != 4 {
		t.Fatalf("there are %d apps and jobs", len(apps))
	}
	for _, app := range apps {
		service := app.Name
		if service == "redrive" {
			service = "worker" // it does what a worker may
		}
		attached := get(t, app.Body, "identity", "userAssignedIdentities").(map[string]any)
		settings := list(get(t, app.Body, "properties", "configuration", "identitySettings"))
		if len(settings) != len(attached) {
			t.Errorf("%s has %d identities, and settings for %d", app.Name, len(attached), len(settings))
		}
		for _, setting := range settings {
			id := get(t, setting, "identity").(string)
			if _, ok := attached[id]; !ok {
				t.Errorf("%s does not have the identity %s", app.Name, id)
			}
			want := "None"
			if strings.HasSuffix(id, "/id-"+service) {
				want = "Main"
			}
			if got := get(t, setting, "lifecycle"); got != want {
				t.Errorf("%s: %s is for %v, want %s", app.Name, id, got, want)
			}
		}
	}
}

// rotate gives the ring after one step, as rotate-ticket-keys.bicep writes it.
func rotate(t *testing.T, ring, step, newKey string) string {
	t.Helper()
	d := evaluate(t, "modules/ticket-keys-rotation.bicep", map[string]any{"vaultName": "kv", "step": step, "ring": ring, "newKey": newKey})
	return one(t, d, "Microsoft.KeyVault/vaults/secrets", "ticket-keys").Get("properties.value").(string)
}

// TestRotation states that ids stay good while keys are rotated, although the
// services read a new ring at different times: whichever of two neighbouring
// rings acceptor and status have, status knows what acceptor issued before
// and issues now; and in the end the old key is gone.
func TestRotation(t *testing.T) {
	const first, second = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="
	rings := []string{first}
	for _, step := range []string{"announce", "promote"} {
		rings = append(rings, rotate(t, rings[len(rings)-1], step, second))
	}
	old := issue(t, rings[0])
	for i := range rings {
		for _, other := range []int{max(0, i-1), i, min(i+1, len(rings)-1)} {
			for _, id := range []job.ID{old, issue(t, rings[i])} {
				if !ring(t, rings[other]).Verify(id, "") {
					t.Errorf("ring %d (%s) does not know what ring %d (%s) issued", other, rings[other], i, rings[i])
				}
			}
		}
	}
	last := rotate(t, rings[len(rings)-1], "retire", "")
	if last != second {
		t.Errorf("in the end the ring is %s, want %s", last, second)
	}
	if ring(t, last).Verify(old, "") {
		t.Error("the first key is still good")
	}
}

func ring(t *testing.T, text string) *job.KeyRing {
	t.Helper()
	r, err := job.ParseKeyRing(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func issue(t *testing.T, keys string) job.ID {
	t.Helper()
	return job.NewIssuer(ring(t, keys), time.Now).Issue("")
}

// TestTicketKeysAreKept states that the stored keys are replaced only when some
// are given.
func TestTicketKeysAreKept(t *testing.T) {
	for given, want := range map[string]int{"": 0, "a2V5": 1} {
		d := deployment(t, map[string]any{"ticketKeys": given})
		if n := len(ofType(d, "Microsoft.KeyVault/vaults/secrets")); n != want {
			t.Errorf("ticketKeys %q: %d secrets are written, want %d", given, n, want)
		}
	}
}
