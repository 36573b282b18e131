package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/child"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// startTimeout bounds how long the services may take to be ready.
const startTimeout = 60 * time.Second

// system is everything that runs.
type system struct {
	azure    *localazure.Azure
	children []*child.Child
	settings string // path of the file with the services' environment
	softStop time.Duration
	ended    chan *child.Child
}

// start brings up storage and broker, then the services, and waits until all
// of them are ready. On an error nothing is left running.
func start(ctx context.Context, cfg *config, output io.Writer, log *slog.Logger) (*system, error) {
	lines := &lockedWriter{w: output}
	azurite, azuriteOutput := io.Pipe()
	go copyLines(lines, "azurite", azurite)
	azure, err := startAzure(ctx, cfg, azuriteOutput, log)
	if err != nil {
		return nil, err
	}
	s := &system{azure: azure, softStop: cfg.SoftStop, ended: make(chan *child.Child)}
	if err := s.startServices(ctx, cfg, lines); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *system) startServices(ctx context.Context, cfg *config, output io.Writer) error {
	shared, err := s.environment(cfg)
	if err != nil {
		return err
	}
	if s.settings, err = writeSettings(cfg.Dir, shared); err != nil {
		return err
	}
	add := func(name, address string, own ...string) error {
		environ := append(append(append([]string(nil), cfg.environ...), shared...), own...)
		c, err := startChild(name, cfg.Bin, environ, "http://"+address+"/readyz", output)
		if err != nil {
			return err
		}
		s.children = append(s.children, c)
		return nil
	}
	if err := add("acceptor", cfg.Acceptor, "LISTEN_ADDR="+cfg.Acceptor); err != nil {
		return err
	}
	if err := add("status", cfg.Status, "LISTEN_ADDR="+cfg.Status); err != nil {
		return err
	}
	for range cfg.Workers {
		health, err := child.FreeAddresses(1)
		if err != nil {
			return err
		}
		if err := add("worker", health[0], "WORKER_HEALTH_ADDR="+health[0]); err != nil {
			return err
		}
	}
	return s.awaitReady(ctx)
}

func (s *system) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("gave up after %s", startTimeout))
	defer cancel()
	for _, c := range s.children {
		if err := c.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// environment gives the settings that all services share.
func (s *system) environment(cfg *config) ([]string, error) {
	key, err := ticketKey(cfg.Data)
	if err != nil {
		return nil, err
	}
	operations, err := filepath.Abs(cfg.Operations)
	if err != nil {
		return nil, err
	}
	return []string{
		"SERVICEBUS_CONNECTION_STRING=" + s.azure.ServiceBusConnectionString(),
		"SERVICEBUS_QUEUE=" + queueName,
		"STORAGE_CONNECTION_STRING=" + s.azure.StorageConnectionString(),
		"TICKET_KEYS=" + base64.StdEncoding.EncodeToString(key),
		"OPERATIONS_FILE=" + operations,
		"STATUS_BASE_URL=http://" + cfg.Status,
		"ACCEPTOR_BASE_URL=http://" + cfg.Acceptor,
		"CORS_ALLOWED_ORIGINS=" + cfg.Origins,
	}, nil
}

// ticketKey makes a ticket key, or keeps the one that belongs to the data.
func ticketKey(data string) ([]byte, error) {
	key := make([]byte, job.MinKeyLength)
	rand.Read(key)
	if data == "" {
		return key, nil
	}
	path := filepath.Join(data, "ticket.key")
	kept, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return key, os.WriteFile(path, key, 0o600)
	}
	return kept, err
}

// writeSettings writes the shared settings for a shell to read, so that a
// further worker can be started by hand.
func writeSettings(dir string, settings []string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	path := filepath.Join(dir, "env")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

// watch returns when ctx is done, or with an error when the storage has ended,
// without which nothing works. It says so if a service ends.
func (s *system) watch(ctx context.Context, stdout io.Writer) error {
	for _, c := range s.children {
		go func() {
			select {
			case <-c.Ended():
				select {
				case s.ended <- c:
				case <-ctx.Done():
				}
			case <-ctx.Done():
			}
		}()
	}
	for {
		select {
		case c := <-s.ended:
			fmt.Fprintf(stdout, "%s (process %d) ended: %v; start another with: %s\n",
				c.Name(), c.PID(), c.Err(), command(c, s.settings))
		case <-s.azure.Azurite().Done():
			return fmt.Errorf("storage (Azurite) ended by itself: %w", s.azure.Azurite().Err())
		case <-ctx.Done():
			fmt.Fprintln(stdout, "stopping")
			return nil
		}
	}
}

// stop ends the services, those that take in work first, then the rest.
func (s *system) stop() {
	for _, c := range s.children {
		c.Stop(s.softStop + 15*time.Second)
	}
	if s.azure != nil {
		s.azure.Close()
	}
}
