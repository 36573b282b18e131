package localazure_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/asyncreply/asyncreply/pkg/localazure"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

func startHTTPS(t *testing.T) *localazure.Azurite {
	t.Helper()
	options := localazuretest.AzuriteOptions()
	options.HTTPS = true
	return localazuretest.Azurite(t, options)
}

// With HTTPS, the unmodified SDK signs in with a token and makes a user-delegation SAS that Azurite honours, and that
// opens nothing else.
func TestUserDelegationSAS(t *testing.T) {
	t.Parallel()
	azurite := startHTTPS(t)
	options := &service.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: azurite.HTTPClient()}}
	client, err := service.NewClient(azurite.ProductStyleBlobEndpoint(), localazuretest.Credential{}, options)
	if err != nil {
		t.Fatal(err)
	}
	container := client.NewContainerClient("results")
	if _, err := container.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", "other"} {
		if _, err := container.NewBlockBlobClient(name).UploadBuffer(t.Context(), []byte(name), nil); err != nil {
			t.Fatal(err)
		}
	}
	query := userDelegationQuery(t, client, "results", "mine")

	if status, body := get(t, azurite.HTTPClient(), container.NewBlobClient("mine").URL()+"?"+query); status != http.StatusOK || body != "mine" {
		t.Errorf("with its SAS: %d %s", status, body)
	}
	if status, _ := get(t, azurite.HTTPClient(), container.NewBlobClient("other").URL()+"?"+query); status != http.StatusForbidden {
		t.Errorf("another blob with that SAS: %d", status)
	}
}

func userDelegationQuery(t *testing.T, client *service.Client, container, blob string) string {
	t.Helper()
	start, expiry := time.Now().Add(-time.Minute).UTC(), time.Now().Add(time.Hour).UTC()
	key, err := client.GetUserDelegationCredential(t.Context(), service.KeyInfo{
		Start: to.Ptr(start.Format(sas.TimeFormat)), Expiry: to.Ptr(expiry.Format(sas.TimeFormat)),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	query, err := sas.BlobSignatureValues{
		Protocol: sas.ProtocolHTTPS, StartTime: start, ExpiryTime: expiry,
		Permissions: to.Ptr(sas.BlobPermissions{Read: true}).String(), ContainerName: container, BlobName: blob,
	}.SignWithUserDelegation(key)
	if err != nil {
		t.Fatal(err)
	}
	return query.Encode()
}

func get(t *testing.T, client *http.Client, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// A client that does not know the certificate is refused; one that trusts CertPool is not.
func TestCertificate(t *testing.T) {
	t.Parallel()
	azurite := startHTTPS(t)
	stranger := &http.Client{Transport: &http.Transport{}}
	if response, err := stranger.Get(azurite.BlobEndpoint()); err == nil {
		response.Body.Close()
		t.Error("a client without the certificate got an answer")
	}
	if status, _ := get(t, azurite.HTTPClient(), azurite.BlobEndpoint()); status != http.StatusBadRequest {
		t.Errorf("status %d from Azurite", status)
	}
}
