package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/asyncreply/asyncreply/cmd/chaos/internal/build"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/fleet"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/load"
	"github.com/asyncreply/asyncreply/cmd/chaos/internal/relay"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// makeFleet decides where everybody listens and what they are told.
func (s *system) makeFleet(environ []string) error {
	acceptorsAt, err := freeAddresses(acceptors)
	if err != nil {
		return err
	}
	statusesAt, err := freeAddresses(statuses)
	if err != nil {
		return err
	}
	workersAt, err := freeAddresses(s.options.workers)
	if err != nil {
		return err
	}
	if s.front, err = relay.Start(acceptorsAt...); err != nil {
		return err
	}
	if s.back, err = relay.Start(statusesAt...); err != nil {
		return err
	}
	if s.environ, err = s.shared(environ); err != nil {
		return err
	}
	s.clocks = drawClocks(s.seed, s.skew)
	for i, at := range acceptorsAt {
		err = errors.Join(err, s.add(&s.acceptors, "acceptor", i, at, "LISTEN_ADDR="+at, "SEND_TIMEOUT=3s"))
	}
	for i, at := range statusesAt {
		err = errors.Join(err, s.add(&s.statuses, "status", i, at, "LISTEN_ADDR="+at))
	}
	for i, at := range workersAt {
		err = errors.Join(err, s.add(&s.workers, "worker", i, at,
			"WORKER_HEALTH_ADDR="+at, "WORKER_HEARTBEAT=1s", "WORKER_CONCURRENCY=8", "WORKER_SOFT_STOP=5s", "BROKEN="+s.broken))
	}
	return err
}

// add makes a process with a line of its own to the broker.
func (s *system) add(to *[]*fleet.Process, name string, number int, address string, own ...string) error {
	line, err := relay.Start(s.azure.Broker().AMQPAddr())
	if err != nil {
		return err
	}
	s.lines = append(s.lines, line)
	name = fmt.Sprintf("%s-%d", name, number+1)
	shift := s.clocks()
	own = append(own, build.ClockVariable+"="+shift.String(),
		"SERVICEBUS_CONNECTION_STRING=Endpoint=sb://"+line.Addr()+";SharedAccessKeyName=chaos;SharedAccessKey=chaos;UseDevelopmentEmulator=true;",
		"FAILPOINT_VITALS="+filepath.Join(s.dir, name+".json"))
	binary := name[:len(name)-2]
	*to = append(*to, &fleet.Process{Spec: fleet.Spec{
		Name: name, Path: filepath.Join(s.bin, binary), Environ: append(append([]string(nil), s.environ...), own...),
		Ready: "http://" + address + "/readyz", Log: s.log, Clock: shift,
	}})
	return nil
}

// drawClocks gives a function that draws for one process after another how far
// its clock is wrong. Of three in a row one is right, one ahead and one behind,
// so that every kind of process differs from the next.
func drawClocks(seed uint64, most time.Duration) func() time.Duration {
	chance := mathrand.New(mathrand.NewPCG(seed, 5))
	var hand []int
	return func() time.Duration {
		if len(hand) == 0 {
			hand = chance.Perm(3)
		}
		shift := time.Duration(hand[0]-1) * most
		hand = hand[1:]
		return shift
	}
}

// shared gives the environment that all services have in common.
func (s *system) shared(environ []string) ([]string, error) {
	key := make([]byte, job.MinKeyLength)
	rand.Read(key)
	operations := filepath.Join(s.dir, "operations.yaml")
	if err := os.WriteFile(operations, []byte(s.operations()), 0o600); err != nil {
		return nil, err
	}
	account := s.azure.Azurite().Storage()
	account.BlobEndpoint, account.TableEndpoint = s.blobs.URL(), s.tables.URL()
	return append(append([]string(nil), environ...),
		"SERVICEBUS_QUEUE="+queueName,
		"STORAGE_CONNECTION_STRING="+account.ConnectionString(),
		"TICKET_KEYS="+base64.StdEncoding.EncodeToString(key),
		"OPERATIONS_FILE="+operations,
		"STATUS_BASE_URL=http://"+s.back.Addr(),
		"RETENTION=24h",
		"GORACE=halt_on_error=1",
	), nil
}

// operations gives the operations file: what load asks for, done by the
// backend.
func (s *system) operations() string {
	work := "{http: {url: " + s.backend.URL() + "}}"
	return `operations:
  ` + load.OperationWork + `: {processor: ` + work + `, queueTimeout: 1h, retry: {attempts: 10, backoff: 200ms, maxBackoff: 2s}}
  ` + load.OperationPanicking + `: {processor: ` + work + `, queueTimeout: 1h}
  ` + load.OperationHurried + `: {processor: ` + work + `, queueTimeout: 2s}
  ` + load.OperationLate + `: {processor: ` + work + `, queueTimeout: 1h, attemptTimeout: 1s, retry: {attempts: 2, backoff: 200ms}}
  ` + load.OperationPoison + `: {processor: ` + work + `, queueTimeout: 1h, retry: {attempts: 3, backoff: 100ms, maxBackoff: 500ms}}
`
}

// Ports below those that systems give to whoever asks for any, so that nobody
// takes one while its process is being started again.
const (
	lowestPort  = 20_000
	highestPort = 32_000
)

// freeAddresses finds ports that nobody listens on.
func freeAddresses(n int) ([]string, error) {
	var all []string
	for range 100 * n {
		port := lowestPort + mathrand.IntN(highestPort-lowestPort)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer listener.Close()
		if all = append(all, listener.Addr().String()); len(all) == n {
			return all, nil
		}
	}
	return nil, errors.New("there are no free ports")
}
