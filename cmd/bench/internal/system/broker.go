package system

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/cpu"
	"github.com/asyncreply/asyncreply/cmd/bench/internal/resident"
	"github.com/asyncreply/asyncreply/cmd/internal/child"
)

// The broker's queues: that of the services, and one for calls to be measured
// by themselves.
const (
	JobsQueue = "jobs"
	RawQueue  = "raw"
)

// broker is the process of cmd/emulator. It keeps its addresses when it is
// started anew.
type broker struct {
	amqp, admin string
	process     *child.Child
}

func (b *broker) stop() {
	if b.process != nil {
		b.process.Stop(stopTimeout)
		b.process = nil
	}
}

// BrokerCPU gives the processor time that the broker has used since it was
// started.
func (s *System) BrokerCPU() cpu.Time { return cpu.Of(s.broker.process.PID()) }

// BrokerMemory gives the memory that the broker has.
func (s *System) BrokerMemory() resident.Size { return resident.Now(s.broker.process.PID()) }

// RestartBroker starts the broker with empty queues. Who was connected
// connects again.
func (s *System) RestartBroker(ctx context.Context) (err error) {
	s.broker.stop()
	config := filepath.Join(s.options.Logs, "queues.json")
	if err := writeQueues(config); err != nil {
		return err
	}
	s.broker.process, err = s.launch(ctx, child.Spec{
		Name: "emulator", Path: filepath.Join(s.options.Bin, "emulator"),
		Args:    []string{"--config", config, "--amqp", s.broker.amqp, "--admin", s.broker.admin},
		Environ: s.options.Environ,
		Ready:   "http://" + s.broker.admin + "/health",
	})
	return err
}

// writeQueues describes the queues as Microsoft's emulator has it, with what the
// deployment sets.
func writeQueues(path string) error {
	properties := map[string]any{
		"LockDuration": "PT1M", "MaxDeliveryCount": 10, "DefaultMessageTimeToLive": "P14D",
		"DeadLetteringOnMessageExpiration": true,
		"RequiresDuplicateDetection":       true, "DuplicateDetectionHistoryTimeWindow": "PT10M",
	}
	config := map[string]any{"UserConfig": map[string]any{"Namespaces": []any{map[string]any{
		"Name": "bench",
		"Queues": []any{
			map[string]any{"Name": JobsQueue, "Properties": properties},
			map[string]any{"Name": RawQueue, "Properties": properties},
		},
	}}}}
	content, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// ServiceBus is the connection string of the broker.
func (s *System) ServiceBus() string {
	return "Endpoint=sb://" + s.broker.amqp + ";SharedAccessKeyName=bench;SharedAccessKey=bench;UseDevelopmentEmulator=true;"
}

var activeCount = regexp.MustCompile(`ActiveMessageCount>(\d+)<`)

// Queued gives how many messages are in the services' queue, those that are
// locked among them.
func (s *System) Queued(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.broker.admin+"/"+JobsQueue, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	found := activeCount.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("the broker does not tell its counts: %s", response.Status)
	}
	return strconv.Atoi(string(found[1]))
}
