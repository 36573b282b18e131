package emulator_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// The configuration that this project ships is taken without a warning, so Microsoft's emulator takes it too.
func TestShippedConfig(t *testing.T) {
	c, err := emulator.LoadConfig("../../azurite/servicebus-config.json")
	if err != nil {
		t.Fatal(err)
	}
	want := &emulator.Config{Queues: []emulator.Queue{{
		Name:                                "jobs",
		LockDuration:                        time.Minute,
		DefaultMessageTimeToLive:            time.Hour,
		DeadLetteringOnMessageExpiration:    true,
		MaxDeliveryCount:                    10,
		RequiresDuplicateDetection:          true,
		DuplicateDetectionHistoryTimeWindow: 5 * time.Minute,
	}}}
	if !reflect.DeepEqual(c, want) {
		t.Fatalf("got %+v, want %+v", c, want)
	}
}

// What a file leaves out has the default of Microsoft's emulator.
func TestConfigDefaults(t *testing.T) {
	c, err := emulator.ParseConfig(strings.NewReader(configOf(`{"Name": "q"}`)))
	if err != nil {
		t.Fatal(err)
	}
	want := emulator.Queue{
		Name:                                "q",
		LockDuration:                        time.Minute,
		DefaultMessageTimeToLive:            time.Hour,
		MaxDeliveryCount:                    3,
		DuplicateDetectionHistoryTimeWindow: 20 * time.Second,
	}
	if len(c.Queues) != 1 || c.Queues[0] != want {
		t.Fatalf("got %+v, want %+v", c.Queues, want)
	}
}

// What Azure takes but Microsoft's emulator does not is taken, with a warning that names it.
func TestConfigWarnings(t *testing.T) {
	tests := map[string]string{
		`{"Name":"q","Properties":{"DefaultMessageTimeToLive":"P14D"}}`:                       "DefaultMessageTimeToLive P14D",
		`{"Name":"q","Properties":{"DefaultMessageTimeToLive":"P10675199DT2H48M5.4775807S"}}`: "DefaultMessageTimeToLive P1067",
		`{"Name":"q","Properties":{"DuplicateDetectionHistoryTimeWindow":"PT10M"}}`:           "TimeWindow PT10M",
		`{"Name":"q","Properties":{"MaxDeliveryCount":11}}`:                                   "MaxDeliveryCount 11",
	}
	for queue, want := range tests {
		c, err := emulator.ParseConfig(strings.NewReader(configOf(queue)))
		if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], want) {
			t.Errorf("%s: got %+v, %v", queue, c, err)
		}
	}
	other := strings.Replace(configOf(""), "sbemulatorns", "mine", 1)
	if c, err := emulator.ParseConfig(strings.NewReader(other)); err != nil || len(c.Warnings) != 1 {
		t.Errorf("another namespace: got %+v, %v", c, err)
	}
}

// Anything wrong is one line that names it.
func TestConfigErrors(t *testing.T) {
	tests := []struct{ file, want string }{
		{``, "EOF"},
		{`{`, "EOF"},
		{`[]`, "array"},
		{`{}`, "Namespaces has 0"},
		{`{"UserConfig":{"Namespaces":[{},{}]}}`, "Namespaces has 2"},
		{configOf("") + "{}", "more than one"},
		{`{"UserConfig":{"Spaces":[]}}`, `unknown field "Spaces"`},
		{configOf(`{"Name":"q","Properties":{"Lock":"PT1M"}}`), `unknown field "Lock"`},
		{configOf(`{"Name":"q","Properties":{"LockDuration":60}}`), "LockDuration"},
		{configOf(`{"Name":"q","Properties":{"LockDuration":"1m"}}`), `queue "q": LockDuration: "1m" is not an ISO 8601`},
		{configOf(`{"Name":"q","Properties":{"LockDuration":"PT4S"}}`), "LockDuration PT4S is less than PT5S"},
		{configOf(`{"Name":"q","Properties":{"LockDuration":"PT6M"}}`), "LockDuration 6m0s is more than 5m0s"},
		{configOf(`{"Name":"q","Properties":{"DefaultMessageTimeToLive":"PT0S"}}`), "DefaultMessageTimeToLive PT0S is less"},
		{configOf(`{"Name":"q","Properties":{"DuplicateDetectionHistoryTimeWindow":"P8D"}}`), "TimeWindow 192h0m0s is more"},
		{configOf(`{"Name":"q","Properties":{"MaxDeliveryCount":0}}`), "MaxDeliveryCount is 0"},
		{configOf(`{"Name":"q","Properties":{"MaxDeliveryCount":-1}}`), "MaxDeliveryCount -1"},
		{configOf(`{"Name":"q","Properties":{"RequiresSession":true}}`), "sessions are not supported"},
		{configOf(`{"Name":"q","Properties":{"ForwardTo":"r"}}`), "forwarding is not supported"},
		{configOf(`{"Name":"q","Properties":{"ForwardDeadLetteredMessagesTo":"r"}}`), "forwarding is not supported"},
		{configOf(`{"Name":"q q"}`), `"q q" is not a queue name`},
		{configOf(`{"Name":"q"},{"Name":"Q"}`), `"Q" is there twice`},
		{configOf(strings.Repeat(`{"Name":"q"},`, 50) + `{"Name":"q"}`), "51 queues"},
		{strings.Replace(configOf(""), `"Topics":[]`, `"Topics":[{"Name":"t","Properties":{},"Subscriptions":[]}]`, 1), `topic "t": topics are not supported`},
	}
	for _, tt := range tests {
		_, err := emulator.ParseConfig(strings.NewReader(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.100s:\ngot  %v\nwant %s", tt.file, err, tt.want)
		}
	}
}

// An error in a file names the file.
func TestLoadConfigNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.json")
	if _, err := emulator.LoadConfig(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := emulator.LoadConfig(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("bad file: %v", err)
	}
}

// No text makes the parser panic, and what it takes a broker can start with.
func FuzzParseConfig(f *testing.F) {
	f.Add(configOf(`{"Name":"q","Properties":{"LockDuration":"PT1M"}}`))
	f.Add(`{"UserConfig":{"Namespaces":[{"Topics":[{"Name":"t"}]}]}}`)
	f.Fuzz(func(t *testing.T, file string) {
		c, err := emulator.ParseConfig(strings.NewReader(file))
		if err != nil {
			return
		}
		b, err := emulator.Start(&emulator.Options{Config: c})
		if err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
	})
}

func configOf(queues string) string {
	return `{"UserConfig":{"Namespaces":[{"Name":"sbemulatorns","Queues":[` + queues +
		`],"Topics":[]}],"Logging":{"Type":"File"}}}`
}
