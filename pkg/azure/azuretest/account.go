package azuretest

import (
	"regexp"
	"strings"
	"testing"
)

// Account is a storage account that counts what is asked of it.
type Account struct {
	connectionString string
	proxies          map[string]*Proxy // by what they serve: blob or table
}

// NewAccount puts a [Proxy] before the blob and the table endpoint that a
// connection string names, for as long as the test runs.
func NewAccount(tb testing.TB, connectionString string) *Account {
	tb.Helper()
	a := &Account{connectionString: connectionString, proxies: map[string]*Proxy{}}
	for service, setting := range map[string]string{"blob": "BlobEndpoint=", "table": "TableEndpoint="} {
		_, rest, found := strings.Cut(connectionString, setting)
		if !found {
			tb.Fatalf("the connection string has no %s", setting)
		}
		endpoint, _, _ := strings.Cut(rest, ";")
		proxy := NewProxy(tb, endpoint)
		a.proxies[service] = proxy
		a.connectionString = strings.Replace(a.connectionString, setting+endpoint, setting+proxy.URL(), 1)
	}
	return a
}

// ConnectionString names the account as it is reached through the proxies.
func (a *Account) ConnectionString() string { return a.connectionString }

// aboutJobs matches the paths of rows in tables of days and of keys, and of
// blobs under days. What is asked of tables and containers themselves, as
// checks of readiness do, is nothing that a job costs.
var aboutJobs = regexp.MustCompile(`\$batch$|[0-9]{8}(\(|$)|keys(\(|$)|/[0-9]{8}/`)

// Count gives how many requests about jobs came while f ran, by service and
// method, such as "table GET".
func (a *Account) Count(f func()) map[string]int {
	begun := map[string]int{}
	for service, proxy := range a.proxies {
		begun[service] = len(proxy.Requests())
	}
	f()
	counts := map[string]int{}
	for service, proxy := range a.proxies {
		for _, request := range proxy.Requests()[begun[service]:] {
			method, path, _ := strings.Cut(request, " ")
			if aboutJobs.MatchString(path) {
				counts[service+" "+method]++
			}
		}
	}
	return counts
}
