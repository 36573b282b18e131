package localazure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// startAzurite starts an Azurite for one test, in memory if dataDir is empty.
func startAzurite(t *testing.T, dataDir string) *localazure.Azurite {
	t.Helper()
	options := localazuretest.AzuriteOptions()
	options.DataDir = dataDir
	return localazuretest.Azurite(t, options)
}

const blobName = "blob"

func upload(t *testing.T, connectionString, container, content string) {
	t.Helper()
	client, err := azblob.NewClientFromConnectionString(connectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateContainer(t.Context(), container, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UploadBuffer(t.Context(), container, blobName, []byte(content), nil); err != nil {
		t.Fatal(err)
	}
}

func download(t *testing.T, connectionString, container string) string {
	t.Helper()
	client, err := azblob.NewClientFromConnectionString(connectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.DownloadStream(t.Context(), container, blobName, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The unmodified blob SDK works with the connection string.
func TestBlobRoundTrip(t *testing.T) {
	t.Parallel()
	connectionString, container := localazuretest.Storage(t).ConnectionString(), localazuretest.Name(t)
	upload(t, connectionString, container, "content")
	if got := download(t, connectionString, container); got != "content" {
		t.Errorf("downloaded %q", got)
	}
}

// The unmodified table SDK works with the connection string.
func TestTableRoundTrip(t *testing.T) {
	t.Parallel()
	service, err := aztables.NewServiceClientFromConnectionString(localazuretest.Storage(t).ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	table := service.NewClient(localazuretest.Name(t))
	if _, err := table.CreateTable(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	entity := []byte(`{"PartitionKey":"p","RowKey":"r","Value":"content"}`)
	if _, err := table.AddEntity(t.Context(), entity, nil); err != nil {
		t.Fatal(err)
	}
	got, err := table.GetEntity(t.Context(), "p", "r", &aztables.GetEntityOptions{Format: to.Ptr(aztables.MetadataFormatNone)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got.Value), `"Value":"content"`) {
		t.Errorf("read %s", got.Value)
	}
}

// What is in a data folder is there after a restart, and two Azurites never share one.
func TestDataFolder(t *testing.T) {
	t.Parallel()
	dataDir, container := t.TempDir(), localazuretest.Name(t)
	first := startAzurite(t, dataDir)
	upload(t, first.ConnectionString(), container, "kept")

	options := localazuretest.AzuriteOptions()
	options.DataDir = dataDir
	_, err := localazure.StartAzurite(t.Context(), &options)
	if want := fmt.Sprintf("localazure: data folder %s is in use by another Azurite", dataDir); err == nil || err.Error() != want {
		t.Errorf("a second Azurite: %v, want %s", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startAzurite(t, dataDir)
	if got := download(t, second.ConnectionString(), container); got != "kept" {
		t.Errorf("after the restart the blob holds %q", got)
	}
}

// A port that is asked for is used; if it is taken, the error says so in one line and is syscall.EADDRINUSE.
func TestPorts(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	options := localazuretest.AzuriteOptions()
	options.TablePort = port

	_, err = localazure.StartAzurite(t.Context(), &options)
	want := fmt.Sprintf("localazure: Azurite cannot listen on 127.0.0.1:%d: address already in use", port)
	if !errors.Is(err, syscall.EADDRINUSE) || err.Error() != want {
		t.Errorf("taken: %v, want %s", err, want)
	}
	listener.Close()
	if got, want := localazuretest.Azurite(t, options).TableEndpoint(), fmt.Sprintf("http://127.0.0.1:%d/devstoreaccount1", port); got != want {
		t.Errorf("free: %s, want %s", got, want)
	}
}

// A start that is given up ends with the cause, and leaves nothing behind: the data folder is free again.
func TestStartCanceled(t *testing.T) {
	t.Parallel()
	options, givenUp := localazuretest.AzuriteOptions(), errors.New("given up")
	options.DataDir = t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(givenUp)
	if _, err := localazure.StartAzurite(ctx, &options); !errors.Is(err, givenUp) {
		t.Errorf("error %v", err)
	}
	localazuretest.Azurite(t, options)
}

// Settings in the environment that would make Azurite another one are kept from it.
func TestEnvironmentIsIgnored(t *testing.T) {
	startAzurite(t, "") // npm, which may have to install it, does honour NODE_OPTIONS
	t.Setenv("AZURITE_ACCOUNTS", "somebody:a2V5")
	t.Setenv("NODE_OPTIONS", "--no-such-option")
	upload(t, startAzurite(t, "").ConnectionString(), localazuretest.Name(t), "content")
}
