package main

import (
	"fmt"
	"io"
)

// announce says what runs where and how to try it. Its last line is for
// programs that wait for the system to be ready.
func announce(w io.Writer, cfg *config, s *system) {
	fmt.Fprintln(w, "The Asynchronous Request-Reply pattern is running on this machine:")
	line := func(name, where string, args ...any) {
		fmt.Fprintf(w, "  %-12s %s\n", name, fmt.Sprintf(where, args...))
	}
	for _, c := range s.children {
		switch c.Name() {
		case "acceptor":
			line(c.Name(), "http://%s/api/{operation} (process %d)", cfg.Acceptor, c.PID())
		case "status":
			line(c.Name(), "http://%s/api/RequestStatus/{id} (process %d)", cfg.Status, c.PID())
		default:
			line(c.Name(), "process %d; start another with: %s", c.PID(), command(c, s.settings))
		}
	}
	line("Service Bus", "amqp://%s, administration http://%s", s.azure.Broker().AMQPAddr(), s.azure.Broker().AdminAddr())
	line("Azurite", "%s, %s", s.azure.BlobEndpoint(), s.azure.TableEndpoint())
	fmt.Fprintf(w, `
A page to try it with: http://%s
Or send a request; the answer's Location is where to ask how it gets on:
  curl -i http://%s/api/customer -H 'Content-Type: application/json' -d '{"id":"1","customername":"Ada"}'
Ctrl-C stops everything.

`, cfg.Status, cfg.Acceptor)
	fmt.Fprintf(w, "ready acceptor=http://%s status=http://%s\n", cfg.Acceptor, cfg.Status)
}
