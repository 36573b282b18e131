package localazure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/asyncreply/asyncreply/pkg/emulator"
)

// saslHeader opens an AMQP connection that authenticates, and is echoed by whoever takes it (AMQP 1.0, 5.3.1).
const saslHeader = "AMQP\x03\x01\x00\x00"

// StartBroker starts a Service Bus broker in this process and returns when it answers over AMQP and over HTTP. The
// context limits the start only. opts may be nil. A port that is taken gives an error that is syscall.EADDRINUSE.
func StartBroker(ctx context.Context, opts *emulator.Options) (*emulator.Broker, error) {
	broker, err := emulator.Start(opts)
	if err != nil {
		return nil, fmt.Errorf("localazure: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	if err := errors.Join(probeAMQP(ctx, broker.AMQPAddr()), probeHealth(ctx, broker.AdminAddr())); err != nil {
		return nil, errors.Join(fmt.Errorf("localazure: the broker does not answer: %w", err), broker.Close())
	}
	return broker, nil
}

func probeAMQP(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := io.WriteString(conn, saslHeader); err != nil {
		return err
	}
	reply := make([]byte, len(saslHeader))
	if _, err := io.ReadFull(conn, reply); err != nil {
		return err
	}
	if string(reply) != saslHeader {
		return fmt.Errorf("%s answers %q to the AMQP header", address, reply)
	}
	return nil
}

func probeHealth(ctx context.Context, address string) error {
	client := newHTTPClient(nil)
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/health answers %s", address, response.Status)
	}
	return nil
}
