package check_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/asyncreply/asyncreply/deploy/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deployed is the folder that is checked.
var deployed = os.DirFS("..")

// TestNoMistakes states that the files that are deployed are right as far as
// can be told without Azure.
func TestNoMistakes(t *testing.T) {
	files, mistakes, err := check.Load(deployed)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mistakes {
		t.Errorf("deploy/%s", m)
	}
	resources := 0
	for _, f := range files {
		resources += len(f.Resources)
	}
	if len(files) < 10 || resources < 40 {
		t.Errorf("checked only %d files with %d resources", len(files), resources)
	}
}

// TestTypes states which descriptions of types are written by hand, because
// there is no data for them offline, and that none is kept for nothing.
func TestTypes(t *testing.T) {
	handwritten := []string{
		"Microsoft.Insights/actionGroups",
		"Microsoft.Insights/diagnosticSettings",
		"Microsoft.Insights/metricAlerts",
		"Microsoft.Insights/scheduledQueryRules",
		"Microsoft.Network/privateDnsZones",
		"Microsoft.Network/privateDnsZones/A",
		"Microsoft.Network/privateDnsZones/virtualNetworkLinks",
	}
	types, err := check.ResourceTypes()
	if err != nil {
		t.Fatal(err)
	}
	used, err := check.UsedTypes("..")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, of := range types {
		if of.Source != "" {
			found = append(found, of.Type)
		}
		if !slices.Contains(used, of.Type) {
			t.Errorf("nothing uses %s: run go run ./deploy/check/refresh", of.Type)
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, handwritten) {
		t.Errorf("written by hand: %v, want %v", found, handwritten)
	}
}

// TestMistakesAreFound states of each kind of mistake that it is found where it
// was made, and what is then said: in a copy of the files one thing is
// replaced.
func TestMistakesAreFound(t *testing.T) {
	for _, test := range []struct{ name, file, old, new, want, at string }{
		{"property misspelt", "modules/messaging.bicep", "lockDuration:", "lockDuraton:", "SBQueueProperties has no property lockDuraton; is lockDuration meant?", ""},
		{"property unknown", "modules/storage.bicep", "accessTier:", "colour:", "has no property colour", ""},
		{"deep in a container app", "modules/worker.bicep", "messageCount:", "messageCount: 1 //", "expected a string, found an int", ""},
		{"enum wrong", "modules/acceptor.bicep", "activeRevisionsMode: 'Single'", "activeRevisionsMode: 'Sngle'", "'Sngle' is none of 'Multiple', 'Single'", ""},
		{"closed enum wrong", "modules/messaging.bicep", "name: 'Premium'", "name: 'Premiun'", "'Premiun' is none of 'Basic', 'Standard', 'Premium'", ""},
		{"string for int", "modules/messaging.bicep", "maxDeliveryCount: 10", "maxDeliveryCount: '10'", "expected an int, found '10'", ""},
		{"int for string", "modules/messaging.bicep", "minimumTlsVersion: '1.2'", "minimumTlsVersion: 1", "expected a string, found an int", ""},
		{"string for bool", "modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: 'false'", "expected a bool, found 'false'", ""},
		{"array for object", "modules/ingress-dns.bicep", "virtualNetwork: {\n      id: networkId\n    }", "virtualNetwork: [networkId]", "expected an object (Reference), found an array", ""},
		{"object for array", "modules/network.bicep", "groupIds: [endpoint.group]", "groupIds: {}", "expected an array (string[]), found an object", ""},
		{"items of the wrong kind", "modules/storage.bicep", "blobTypes: ['blockBlob']", "blobTypes: [1]", "expected a string, found an int", ""},
		{"required missing", "modules/messaging.bicep", "principalType: 'ServicePrincipal'\n    roleDefinitionId:", "principalType: 'ServicePrincipal'\n    description:", "RoleAssignmentProperties needs the property roleDefinitionId", "modules/messaging.bicep: properties: {\n    principalId: acceptor"},
		{"required missing in a loop", "modules/alerts.bicep", "    severity: rule.severity\n", "", "Alert needs the property severity", "modules/alerts.bicep: properties: {\n    description: rule"},
		{"field of a loop's item missing", "modules/alerts.bicep", "severity: rule.severity", "severity: rule.severitty", "has no severitty", ""},
		{"location missing", "modules/vault.bicep", "  location: location\n", "  // location\n", "Microsoft.KeyVault/vaults needs the property location", "modules/vault.bicep: resource vault"},
		{"read-only set", "modules/messaging.bicep", "requiresSession: false", "requiresSession: false\n    messageCount: 1", "messageCount of SBQueueProperties is read-only", ""},
		{"read-only set on top", "modules/registry.bicep", "  tags: tags\n", "  id: name\n", "id of Microsoft.ContainerRegistry/registries is read-only", ""},
		{"number out of range", "modules/acceptor.bicep", "failureThreshold: 10", "failureThreshold: 11", "11 is above 10", ""},
		{"name too long", "modules/monitoring.bicep", "groupShortName: 'operators'", "groupShortName: 'all operators'", "too short or too long", ""},
		{"variable of the wrong shape", "modules/alerts.bicep", "operator: 'Include'\n    values: [queueName]", "operator: 'Includes'\n    values: [queueName]", "'Includes' is none of", "modules/alerts.bicep: dimensions: c.dimensions"},
		{"bracket stray", "modules/storage.bicep", "prefixMatch: [", "prefixMatch: [[", "expected", "modules/storage.bicep:             }\n            actions: {"},
		{"brace stray", "modules/identity.bicep", "output acceptorName", "}\noutput acceptorName", "expected a name, found \"}\"", ""},
		{"brace missing", "modules/registry.bicep", "    anonymousPullEnabled: false\n  }\n", "    anonymousPullEnabled: false\n", "expected", "modules/registry.bicep: resource platformPulls"},
		{"string open", "modules/registry.bicep", "name: 'Basic'", "name: 'Basic", "string without an end", ""},
		{"two properties on a line", "modules/registry.bicep", "adminUserEnabled: false\n   ", "adminUserEnabled: false", "expected a comma, a new line or \"}\"", ""},
		{"property twice", "modules/registry.bicep", "adminUserEnabled: false", "adminUserEnabled: false\n    adminUserEnabled: false", "adminUserEnabled is set twice", ""},
		{"symbol undefined", "modules/messaging.bicep", "roles.owner)\n  scope", "rolles.owner)\n  scope", "rolles is not declared", ""},
		{"field undefined", "modules/messaging.bicep", "roles.owner)\n  scope", "roles.owners)\n  scope", "has no owners", ""},
		{"symbol twice", "modules/messaging.bicep", "resource worker '", "resource acceptor '", "acceptor is declared twice", ""},
		{"parameter unused", "modules/registry.bicep", "param tags object", "param tags object\nparam colour string", "the parameter colour is not used", ""},
		{"variable unused", "modules/registry.bicep", "var acrPull", "var acrPush = ''\nvar acrPull", "the variable acrPush is not used", ""},
		{"property of a resource undefined", "modules/registry.bicep", "properties.loginServer", "properties.loginHost", "RegistryProperties has no property loginHost", ""},
		{"version wrong", "modules/messaging.bicep", "namespaces@2024-01-01", "namespaces@2023-01-01", "has the API version 2024-01-01, not 2023-01-01", ""},
		{"type unknown", "modules/messaging.bicep", "Microsoft.ServiceBus/namespaces@", "Microsoft.ServiceBus/namespace@", "the resource type Microsoft.ServiceBus/namespace is not known", ""},
		{"type in other letters", "modules/messaging.bicep", "Microsoft.ServiceBus/namespaces@", "Microsoft.Servicebus/namespaces@", "the resource type is written Microsoft.ServiceBus/namespaces", ""},
		{"parent missing", "modules/messaging.bicep", "  parent: namespace\n", "", "Microsoft.ServiceBus/namespaces/queues needs a parent", "modules/messaging.bicep: resource queue"},
		{"parent wrong", "modules/messaging.bicep", "parent: namespace", "parent: worker", "the parent of Microsoft.ServiceBus/namespaces/queues is a resource of the type Microsoft.ServiceBus/namespaces", ""},
		{"scope missing", "modules/registry.bicep", "  scope: registry\n", "", "roleAssignments needs a scope", "modules/registry.bicep: resource platformPulls"},
		{"resource out of place", "foundations.bicep", "Microsoft.Resources/resourceGroups@2025-04-01", "Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30", "lies in a ResourceGroup, this file is about a subscription", ""},
		{"name not constant", "modules/registry.bicep", "guid(registry.id, platform.id,", "guid(registry.id, platform.properties.principalId,", "a name must be known before the deployment begins", ""},
		{"name of every round", "modules/network.bicep", "name: 'pe-${endpoint.name}'", "name: 'pe'", "every round of the loop has this name", ""},
		{"condition on an output", "main.bicep", "= if (privateNetwork)", "= if (!empty(messaging.outputs.id))", "a condition must be known before the deployment begins", ""},
		{"module parameter missing", "modules/apps.bicep", "    queueName: queueName\n", "", "modules/acceptor.bicep needs the parameter queueName", "modules/apps.bicep: module acceptor"},
		{"module parameter unknown", "modules/apps.bicep", "    queueName: queueName\n", "    queueName: queueName\n    queue: queueName\n", "modules/acceptor.bicep has no parameter queue", ""},
		{"module parameter of another kind", "main.bicep", "retentionDays: retentionDays", "retentionDays: '7'", "expected an int, found '7'", ""},
		{"module parameter not allowed", "main.bicep", "sku: privateNetwork ? 'Premium'", "sku: privateNetwork ? 'Gold'", "'Gold' is none of 'Standard' or 'Premium', which sku allows", ""},
		{"module unknown", "main.bicep", "'modules/storage.bicep'", "'modules/store.bicep'", "there is no module modules/store.bicep", ""},
		{"module without scope", "main.bicep", "  name: 'storage'\n  scope: group\n", "  name: 'storage'\n", "modules/storage.bicep is about a resourceGroup: it needs a scope", "main.bicep: module storage"},
		{"output unknown", "main.bicep", "messaging.outputs.host", "messaging.outputs.hostName", "modules/messaging.bicep has no output hostName", ""},
		{"output of another kind", "modules/registry.bicep", "output server string", "output server int", "expected an int, found a string", ""},
		{"default not allowed", "main.bicep", "param logLevel string = 'info'", "param logLevel string = 'loud'", "'loud' is none of", ""},
		{"default out of range", "main.bicep", "param retentionDays int = 7", "param retentionDays int = 1", "1 is beyond what retentionDays allows", ""},
		{"decorator unknown", "main.bicep", "@minValue(2)", "@atLeast(2)", "the decorator atLeast is not known", ""},
		{"function unknown", "main.bicep", "uniqueString(", "unique(", "the function unique is not known here", ""},
		{"argument missing", "modules/network.bicep", "cidrSubnet(addressPrefix, 24, 2)", "cidrSubnet(addressPrefix, 24)", "cidrSubnet takes 3 arguments, not 2", ""},
		{"argument of another kind", "main.bicep", "cidrSubnet(networkPrefix, 23, 0)", "cidrSubnet(networkPrefix, '23', 0)", "expected an int, found '23'", ""},
		{"comparison never true", "modules/messaging.bicep", "sku == 'Premium' ? 81920", "sku == 'premium' ? 81920", "'Standard' or 'Premium' is never 'premium'", ""},
		{"secret in an output", "modules/vault.bicep", "output id string = vault.id", "output id string = ticketKeys", "a secret goes into the output id, which is not secure", ""},
		{"secret in a parameter", "modules/ticket-keys.bicep", "@secure()\n", "", "a secret goes into the parameter ring, which is not secure", "modules/vault.bicep: ring: ticketKeys"},
		{"text missing", "modules/alerts.bicep", "'job-age.kql'", "'job-ages.kql'", "there is no file modules/job-ages.kql", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder, want := broken(t, test.file, test.old, test.new)
			if test.at != "" {
				want = place(t, folder, test.at)
			}
			_, mistakes, err := check.Load(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range mistakes {
				if strings.Contains(m.Reason, test.want) && fmt.Sprintf("%s:%d", m.Path, m.Line) == want {
					return
				}
			}
			t.Errorf("want %s: %q, got %v", want, test.want, mistakes)
		})
	}
}

// broken gives a copy of the files in which old is replaced by new, once, and
// the file and line of the first difference.
func broken(t *testing.T, file, old, new string) (copied fstest.MapFS, where string) {
	t.Helper()
	copied = fstest.MapFS{}
	err := fs.WalkDir(deployed, ".", func(name string, entry fs.DirEntry, err error) error {
		if ext := path.Ext(name); err != nil || entry.IsDir() || ext != ".bicep" && ext != ".kql" {
			return err
		}
		content, err := fs.ReadFile(deployed, name)
		copied[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if copied[file] == nil {
		t.Fatalf("there is no %s", file)
	}
	before, after, ok := strings.Cut(string(copied[file].Data), old)
	if !ok {
		t.Fatalf("%s has no %q: choose another place to break", file, old)
	}
	copied[file].Data = []byte(before + new + after)
	same := 0
	for same < len(new) && (new[same] == '\n' || same < len(old) && old[same] == new[same]) {
		same++
	}
	return copied, fmt.Sprintf("%s:%d", file, 1+strings.Count(before+new[:same], "\n"))
}

// place gives the line of a text, given as file: text.
func place(t *testing.T, folder fstest.MapFS, at string) string {
	t.Helper()
	file, text, _ := strings.Cut(at, ": ")
	before, _, ok := strings.Cut(string(folder[file].Data), text)
	if !ok {
		t.Fatalf("%s has no %q", file, text)
	}
	return fmt.Sprintf("%s:%d", file, 1+strings.Count(before, "\n"))
}
