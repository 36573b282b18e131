package azure_test

import (
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"

	"github.com/asyncreply/asyncreply/pkg/azure"
)

// config is how a program embeds the settings.
type config struct {
	azure.ServiceBus
	azure.Storage
}

const (
	goodServiceBus = "Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=n;SharedAccessKey=SECRET;UseDevelopmentEmulator=true;"
	goodStorage    = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=U0VDUkVU;EndpointSuffix=core.windows.net"
)

// parse reads variables as a program does and gives what Check says of them.
func parse(t *testing.T, variables map[string]string) (lines []string) {
	t.Helper()
	var c config
	if err := env.ParseWithOptions(&c, env.Options{Environment: variables}); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{c.ServiceBus.Check(), c.Storage.Check()} {
		if err != nil {
			lines = append(lines, strings.Split(err.Error(), "\n")...)
		}
	}
	return lines
}

// TestGoodSettings states which settings are accepted, with the defaults that
// the others have.
func TestGoodSettings(t *testing.T) {
	for name, variables := range map[string]map[string]string{
		"connection strings": {"SERVICEBUS_CONNECTION_STRING": goodServiceBus, "STORAGE_CONNECTION_STRING": goodStorage},
		"Azurite":            {"SERVICEBUS_CONNECTION_STRING": goodServiceBus, "STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true"},
		"entity path": {
			"SERVICEBUS_CONNECTION_STRING": strings.Replace(goodServiceBus, "Use", "EntityPath=Orders;Use", 1),
			"SERVICEBUS_QUEUE":             "orders", "STORAGE_CONNECTION_STRING": goodStorage,
		},
		"Entra": {
			"SERVICEBUS_NAMESPACE":   "example.servicebus.windows.net",
			"STORAGE_BLOB_ENDPOINT":  "https://example.blob.core.windows.net",
			"STORAGE_TABLE_ENDPOINT": "https://example.table.core.windows.net/",
			"PAYLOAD_CONTAINER":      "in-1", "RESULT_CONTAINER": "out", "TABLE_PREFIX": "Jobs2", "SERVICEBUS_QUEUE": "a/b_c-1.2",
		},
	} {
		if lines := parse(t, variables); len(lines) > 0 {
			t.Errorf("%s: %q", name, lines)
		}
	}
	var c config
	if err := env.ParseWithOptions(&c, env.Options{Environment: map[string]string{}}); err != nil {
		t.Fatal(err)
	}
	if c.Queue != "jobs" || c.PayloadContainer != "payloads" || c.ResultContainer != "results" || c.TablePrefix != "jobs" {
		t.Errorf("defaults %+v", c)
	}
}

// TestBadSettings states that each wrong setting gets one line that begins with
// its name and shows no secret.
func TestBadSettings(t *testing.T) {
	const sb, storage = "SERVICEBUS_CONNECTION_STRING", "STORAGE_CONNECTION_STRING"
	for _, test := range []struct {
		set   map[string]string // over good connection strings; "" unsets
		names []string
	}{
		{map[string]string{sb: "", storage: ""}, []string{sb, storage}},
		{map[string]string{"SERVICEBUS_NAMESPACE": "a.b"}, []string{"SERVICEBUS_NAMESPACE"}},
		{map[string]string{sb: "SECRET"}, []string{sb}},
		{map[string]string{sb: "SharedAccessKeyName=n;SharedAccessKey=SECRET"}, []string{sb}},
		{map[string]string{sb: "Endpoint=sb:///;SharedAccessKeyName=n;SharedAccessKey=SECRET"}, []string{sb}},
		{map[string]string{sb: "Endpoint=https://x;SharedAccessKeyName=n;SharedAccessKey=SECRET"}, []string{sb}},
		{map[string]string{sb: "Endpoint=sb://x;SharedAccessKey=SECRET"}, []string{sb}},
		{map[string]string{sb: goodServiceBus + "EntityPath=other"}, []string{sb}},
		{map[string]string{sb: "", "SERVICEBUS_NAMESPACE": "sb://example.servicebus.windows.net/"}, []string{"SERVICEBUS_NAMESPACE"}},
		{map[string]string{"SERVICEBUS_QUEUE": "jobs?"}, []string{"SERVICEBUS_QUEUE"}},
		{map[string]string{storage: "SECRET"}, []string{storage}},
		{map[string]string{storage: "AccountKey=U0VDUkVU"}, []string{storage}},
		{map[string]string{storage: "AccountName=a"}, []string{storage}},
		{map[string]string{storage: "AccountName=a;AccountKey=SECRET!"}, []string{storage}},
		{map[string]string{storage: "AccountName=a;AccountKey=U0VDUkVU;BlobEndpoint=nowhere"}, []string{storage}},
		{map[string]string{"STORAGE_BLOB_ENDPOINT": "https://x"}, []string{storage}},
		{map[string]string{storage: "", "STORAGE_BLOB_ENDPOINT": "https://x"}, []string{"STORAGE_TABLE_ENDPOINT"}},
		{
			map[string]string{storage: "", "STORAGE_BLOB_ENDPOINT": "http://x", "STORAGE_TABLE_ENDPOINT": "x.table"},
			[]string{"STORAGE_BLOB_ENDPOINT", "STORAGE_TABLE_ENDPOINT"},
		},
		{map[string]string{"PAYLOAD_CONTAINER": "In", "RESULT_CONTAINER": "a--b"}, []string{"PAYLOAD_CONTAINER", "RESULT_CONTAINER"}},
		{map[string]string{"RESULT_CONTAINER": "payloads"}, []string{"RESULT_CONTAINER"}},
		{map[string]string{"PAYLOAD_CONTAINER": strings.Repeat("a", 64)}, []string{"PAYLOAD_CONTAINER"}},
		{map[string]string{"TABLE_PREFIX": "my-jobs"}, []string{"TABLE_PREFIX"}},
	} {
		variables := map[string]string{sb: goodServiceBus, storage: goodStorage}
		for name, value := range test.set {
			if variables[name] = value; value == "" {
				delete(variables, name)
			}
		}
		lines := parse(t, variables)
		if len(lines) != len(test.names) {
			t.Errorf("%v: %q", test.set, lines)
			continue
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, test.names[i]+" ") || strings.Contains(line, "SECRET") || strings.Contains(line, "U0VDUkVU") {
				t.Errorf("%v: %q", test.set, line)
			}
		}
	}
}
