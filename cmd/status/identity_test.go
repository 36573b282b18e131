package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// identity stands for the endpoint at which Container Apps gives the tokens of
// a managed identity to a service. Entra ID itself cannot be had in a test;
// its tokens are ones that Azurite takes.
// https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference
type identity struct {
	*httptest.Server
	tokens atomic.Int32
}

const (
	identitySecret = "the header that proves that the caller is in the container"
	identityClient = "44444444-dddd-4ddd-8ddd-444444444444"
)

func newIdentity(t *testing.T) *identity {
	i := &identity{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if r.Header.Get("X-IDENTITY-HEADER") != identitySecret || query.Get("client_id") != identityClient {
			http.Error(w, "not the container", http.StatusUnauthorized)
			return
		}
		if !strings.HasPrefix(query.Get("resource"), "https://storage.azure.com") {
			http.Error(w, "not a token for "+query.Get("resource"), http.StatusBadRequest)
			return
		}
		token, err := localazuretest.Credential{}.GetToken(r.Context(), policy.TokenRequestOptions{})
		if err != nil {
			t.Error(err)
		}
		i.tokens.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"expires_on":"%d","resource":%q,"token_type":"Bearer","client_id":%q}`,
			token.Token, token.ExpiresOn.Unix(), query.Get("resource"), identityClient)
	}))
	t.Cleanup(i.Close)
	return i
}

// newTunnel starts an HTTP proxy through which every host is this machine:
// the account's name is the first part of its host, which no resolver knows.
func newTunnel(t *testing.T) *httptest.Server {
	var tunnels sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, err := net.SplitHostPort(r.Host)
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "not a tunnel", http.StatusBadRequest)
			return
		}
		there, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		join := func(a, b net.Conn) {
			_, _ = io.Copy(a, b) // ends when either side does
			a.Close()
			b.Close()
		}
		tunnels.Go(func() { join(here, there) })
		tunnels.Go(func() { join(there, here) })
	}))
	t.Cleanup(func() {
		server.Close()
		tunnels.Wait()
	})
	return server
}
