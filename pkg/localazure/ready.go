package localazure

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// endpoint is where one of Azurite's services listens.
type endpoint struct {
	service string // Blob, Queue or Table
	url     string // without the account
}

const endpointKinds = 3

var listeningLine = regexp.MustCompile(`^Azurite (Blob|Queue|Table) service is successfully listening at (\S+)$`)

// watchEndpoints returns a watcher of Azurite's output that sends each service's address once.
func watchEndpoints(listening chan<- endpoint) func(line string) {
	return func(line string) {
		if match := listeningLine.FindStringSubmatch(line); match != nil {
			select {
			case listening <- endpoint{service: match[1], url: match[2]}:
			default: // more lines than services: not ours to read
			}
		}
	}
}

// awaitReady fills in the endpoints as Azurite names them and returns when each of them has answered a request.
func (a *Azurite) awaitReady(ctx context.Context, listening <-chan endpoint) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	a.storage = Storage{AccountName: accountName, AccountKey: accountKey}
	probes, probeCtx := errgroup.WithContext(ctx)
	for range endpointKinds {
		select {
		case found := <-listening:
			a.setEndpoint(found)
			probes.Go(func() error { return a.probe(probeCtx, found) })
		case <-a.process.done:
			probes.Wait() // the end of the process is why they fail
			return a.earlyEnd()
		case <-ctx.Done():
			probes.Wait() // the end of ctx is why they fail
			return fmt.Errorf("localazure: waiting for Azurite (%s): %w", a.process.output.last(), context.Cause(ctx))
		}
	}
	return probes.Wait()
}

func (a *Azurite) setEndpoint(found endpoint) {
	url := found.url + "/" + accountName
	switch found.service {
	case "Blob":
		a.storage.BlobEndpoint = url
	case "Queue":
		a.storage.QueueEndpoint = url
	case "Table":
		a.storage.TableEndpoint = url
	}
}

// probe asks one service anything; that it is Azurite that answers is all that counts.
func (a *Azurite) probe(ctx context.Context, e endpoint) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/"+accountName, nil)
	if err != nil {
		return fmt.Errorf("localazure: Azurite: %w", err)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("localazure: Azurite does not answer: %w", err)
	}
	defer response.Body.Close()
	if server := response.Header.Get("Server"); !strings.HasPrefix(server, "Azurite-"+e.service) {
		return fmt.Errorf("localazure: %q answers at %s instead of Azurite", server, e.url)
	}
	return nil
}
