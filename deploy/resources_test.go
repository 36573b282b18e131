package deploy_test

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/deploy/check"
	"github.com/asyncreply/asyncreply/pkg/operation"
)

// TestQueue states that the queue is set as the one that all tests run
// against, but for the time that messages may live, which the emulators keep
// below an hour.
func TestQueue(t *testing.T) {
	var config struct {
		UserConfig struct {
			Namespaces []struct {
				Queues []struct {
					Name       string
					Properties map[string]any
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../azurite/servicebus-config.json")), &config); err != nil {
		t.Fatal(err)
	}
	tested := config.UserConfig.Namespaces[0].Queues[0]
	queue := one(t, deployment(t, nil), "Microsoft.ServiceBus/namespaces/queues", tested.Name)
	for name, want := range tested.Properties {
		got := queue.Get("properties." + strings.ToLower(name[:1]) + name[1:])
		if n, ok := got.(int64); ok {
			got = float64(n)
		}
		switch {
		case name == "DefaultMessageTimeToLive":
			if got != "P7D" {
				t.Errorf("messages live %v, want as long as jobs are known", got)
			}
		case want == "": // nothing is forwarded
			if got != nil {
				t.Errorf("%s is %v", name, got)
			}
		case got != want:
			t.Errorf("%s is %v, tested with %v", name, got, want)
		}
	}
}

// TestRetention states that no blob goes before its job is forgotten, and that
// no message can wait for longer than jobs are known.
func TestRetention(t *testing.T) {
	operations, err := operation.Load("operations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, days := range []int64{2, 7, 365} {
		d := deployment(t, map[string]any{"retentionDays": days})
		rule := get(t, one(t, d, "Microsoft.Storage/storageAccounts/managementPolicies", "default").Body, "properties", "policy", "rules", 0, "definition")
		if after := get(t, rule, "actions", "baseBlob", "delete", "daysAfterCreationGreaterThan").(int64); after <= days {
			t.Errorf("blobs go after %d days, jobs are known for %d", after, days)
		}
		if prefixes := list(get(t, rule, "filters", "prefixMatch")); len(prefixes) != 2 || prefixes[0] != "payloads/" || prefixes[1] != "results/" {
			t.Errorf("blobs under %v go", prefixes)
		}
		for _, name := range []string{"status", "worker"} {
			retention, err := time.ParseDuration(environment(t, d, name)["RETENTION"])
			if err != nil || retention != time.Duration(days)*24*time.Hour {
				t.Errorf("%s knows jobs for %v, %v", name, retention, err)
			}
			if longest := operations.LongestQueueTimeout(); retention <= longest {
				t.Errorf("%s knows jobs for %v, but one may wait for %v", name, retention, longest)
			}
		}
	}
}

// TestPublicAccess states that a private network closes queue, storage and
// vault to the public, gives each an endpoint with a name in it, and that
// there is none of that without it.
func TestPublicAccess(t *testing.T) {
	closed := []string{"Microsoft.ServiceBus/namespaces", "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"}
	for private, want := range map[bool]string{true: "Disabled", false: "Enabled"} {
		d := deployment(t, map[string]any{"privateNetwork": private})
		for _, resourceType := range closed {
			if got := one(t, d, resourceType, "").Get("properties.publicNetworkAccess"); got != want {
				t.Errorf("private %v: public access of %s is %v", private, resourceType, got)
			}
		}
		endpoints := 0
		if private {
			endpoints = 4 // storage has two
		}
		for _, resourceType := range []string{"privateEndpoints", "privateEndpoints/privateDnsZoneGroups", "privateDnsZones", "privateDnsZones/virtualNetworkLinks"} {
			if n := len(ofType(d, "Microsoft.Network/"+resourceType)); n != endpoints {
				t.Errorf("private %v: %d %s, want %d", private, n, resourceType, endpoints)
			}
		}
		network := one(t, d, "Microsoft.App/managedEnvironments", "").Get("properties.vnetConfiguration")
		if (network != nil) != private {
			t.Errorf("private %v: the apps' network is %v", private, network)
		}
		if sku := one(t, d, "Microsoft.ServiceBus/namespaces", "").Get("sku.name"); private && sku != "Premium" {
			t.Errorf("%v Service Bus has no private endpoints", sku)
		}
	}
}

// TestPrivateIngress states that the apps themselves can be closed to the
// public too, and then have names in the private network.
func TestPrivateIngress(t *testing.T) {
	for _, test := range []struct{ network, public, internal bool }{
		{false, true, false}, {true, true, false}, {true, false, true}, {false, false, false},
	} {
		d := deployment(t, map[string]any{"privateNetwork": test.network, "publicIngress": test.public})
		got := one(t, d, "Microsoft.App/managedEnvironments", "").Get("properties.vnetConfiguration.internal")
		if (got == true) != test.internal {
			t.Errorf("%+v: internal is %v", test, got)
		}
		if names := len(ofType(d, "Microsoft.Network/privateDnsZones/A")); (names == 1) != test.internal {
			t.Errorf("%+v: %d names", test, names)
		}
	}
}

// TestSubnets states that the subnets lie in the network and do not overlap,
// for the largest and the smallest.
func TestSubnets(t *testing.T) {
	for _, network := range []string{"10.0.0.0/16", "192.168.4.0/22"} {
		d := deployment(t, map[string]any{"privateNetwork": true, "networkPrefix": network})
		whole := netip.MustParsePrefix(network)
		var subnets []netip.Prefix
		for _, s := range list(one(t, d, "Microsoft.Network/virtualNetworks", "").Get("properties.subnets")) {
			subnets = append(subnets, netip.MustParsePrefix(get(t, s, "properties", "addressPrefix").(string)))
		}
		for i, s := range subnets {
			if !whole.Contains(s.Addr()) || s.Bits() < whole.Bits() {
				t.Errorf("%s is not in %s", s, whole)
			}
			for _, other := range subnets[:i] {
				if s.Overlaps(other) {
					t.Errorf("%s overlaps %s", s, other)
				}
			}
		}
	}
}

// TestApps states how the services run: one revision at a time, each with
// probes, stopped with time enough to finish.
func TestApps(t *testing.T) {
	for _, softStop := range []int64{1, 60, 540} { // the least, the default, the most
		d := deployment(t, map[string]any{"workerSoftStopSeconds": softStop})
		for name, port := range map[string]int64{"acceptor": 8080, "status": 8081, "worker": 8082} {
			checkApp(t, d, name, port)
		}
	}
}

func checkApp(t *testing.T, d *check.Deployment, name string, port int64) {
	t.Helper()
	app := one(t, d, "Microsoft.App/containerApps", name)
	if mode := app.Get("properties.configuration.activeRevisionsMode"); mode != "Single" {
		t.Errorf("%s: revisions mode %v", name, mode)
	}
	container := get(t, app.Body, "properties", "template", "containers", 0)
	if command := list(get(t, container, "command")); len(command) != 1 || command[0] != "/usr/local/bin/"+name {
		t.Errorf("%s runs %v", name, command)
	}
	probes := map[any]any{}
	for _, probe := range list(get(t, container, "probes")) {
		probes[get(t, probe, "type")] = get(t, probe, "httpGet", "path")
		if got := get(t, probe, "httpGet", "port"); got != port {
			t.Errorf("%s is probed at port %v, listens at %d", name, got, port)
		}
	}
	if len(probes) != 3 || probes["Startup"] != "/healthz" || probes["Liveness"] != "/healthz" || probes["Readiness"] != "/readyz" {
		t.Errorf("%s is probed at %v", name, probes)
	}
	grace := time.Duration(app.Get("properties.template.terminationGracePeriodSeconds").(int64)) * time.Second
	if stop := timeToStop(t, environment(t, d, name)); grace <= stop || grace > 10*time.Minute {
		t.Errorf("%s is killed after %v, and stops within %v", name, grace, stop)
	}
	if ingress := app.Get("properties.configuration.ingress"); (ingress == nil) != (name == "worker") {
		t.Errorf("%s: ingress %v", name, ingress)
	}
}

// timeToStop adds up what a service waits for when it stops.
func timeToStop(t *testing.T, env map[string]string) (all time.Duration) {
	t.Helper()
	for _, name := range []string{"DRAIN_DELAY", "SHUTDOWN_TIMEOUT", "WORKER_SOFT_STOP"} {
		if env[name] == "" {
			continue
		}
		d, err := time.ParseDuration(env[name])
		if err != nil {
			t.Fatal(err)
		}
		all += d
	}
	if env["WORKER_SOFT_STOP"] != "" {
		all += 36 * time.Second // canceled handlers, settling twice, disconnecting: pkg/worker, cmd/worker
	}
	return all
}

// TestScale states that workers follow the queue: one for as many messages as
// a worker does at a time, none for none if that is wanted.
func TestScale(t *testing.T) {
	d := deployment(t, map[string]any{"workerConcurrency": int64(5), "workerMinReplicas": int64(0), "workerMaxReplicas": int64(3)})
	scale := one(t, d, "Microsoft.App/containerApps", "worker").Get("properties.template.scale")
	if least, most := get(t, scale, "minReplicas"), get(t, scale, "maxReplicas"); least != int64(0) || most != int64(3) {
		t.Errorf("%v to %v workers", least, most)
	}
	rule := get(t, scale, "rules", 0, "custom")
	namespace := one(t, d, "Microsoft.ServiceBus/namespaces", "").Name
	env := environment(t, d, "worker")
	for name, want := range map[string]any{"namespace": namespace, "queueName": env["SERVICEBUS_QUEUE"], "messageCount": env["WORKER_CONCURRENCY"]} {
		if got := get(t, rule, "metadata", name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if n, err := strconv.Atoi(env["WORKER_CONCURRENCY"]); n != 5 || err != nil {
		t.Errorf("concurrency %d, %v", n, err)
	}
	if id := get(t, rule, "identity").(string); !strings.HasSuffix(id, "/id-scaler") {
		t.Errorf("%s counts", id)
	}
}

// TestLogs states that what can be logged is, in the one workspace.
func TestLogs(t *testing.T) {
	d := deployment(t, nil)
	workspace := one(t, d, "Microsoft.OperationalInsights/workspaces", "").ID
	logged := map[string]bool{}
	for _, setting := range ofType(d, "Microsoft.Insights/diagnosticSettings") {
		logged[setting.Scope] = true
		if got := setting.Get("properties.workspaceId"); got != workspace {
			t.Errorf("%s logs to %v", setting.Scope, got)
		}
	}
	for _, resourceType := range []string{
		"Microsoft.ServiceBus/namespaces", "Microsoft.Storage/storageAccounts/blobServices", "Microsoft.Storage/storageAccounts/tableServices",
		"Microsoft.KeyVault/vaults", "Microsoft.App/managedEnvironments",
	} {
		if r := one(t, d, resourceType, ""); !logged[r.ID] {
			t.Errorf("%s logs nothing", r.ID)
		}
	}
}

// TestAlerts states that an address is told of every alert, and that there are
// alerts without one too.
func TestAlerts(t *testing.T) {
	for _, email := range []string{"", "operators@example.com"} {
		d := deployment(t, map[string]any{"alertEmail": email})
		groups := ofType(d, "Microsoft.Insights/actionGroups")
		if (len(groups) == 1) != (email != "") {
			t.Errorf("%q: %d action groups", email, len(groups))
		}
		alerts := ofType(d, "Microsoft.Insights/metricAlerts")
		if len(alerts) < 7 {
			t.Errorf("there are %d alerts", len(alerts))
		}
		for _, alert := range alerts {
			checkTold(t, alert, list(alert.Get("properties.actions")), groups)
		}
		age := one(t, d, "Microsoft.Insights/scheduledQueryRules", "job-age")
		checkTold(t, age, list(age.Get("properties.actions.actionGroups")), groups)
	}
}

func checkTold(t *testing.T, alert *check.Deployed, actions []any, groups []*check.Deployed) {
	t.Helper()
	if len(actions) != len(groups) {
		t.Errorf("%s tells %v, want %v", alert.Name, actions, groups)
	}
}
