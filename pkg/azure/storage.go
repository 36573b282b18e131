package azure

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Storage says where records and blobs are.
type Storage struct {
	ConnectionString string `env:"STORAGE_CONNECTION_STRING" help:"storage account with its key; without it:"`
	BlobEndpoint     string `env:"STORAGE_BLOB_ENDPOINT" help:"as in https://example.blob.core.windows.net, for Entra credentials"`
	TableEndpoint    string `env:"STORAGE_TABLE_ENDPOINT" help:"as in https://example.table.core.windows.net, for Entra credentials"`
	PayloadContainer string `env:"PAYLOAD_CONTAINER" envDefault:"payloads" help:"blob container of payloads too large for a message"`
	ResultContainer  string `env:"RESULT_CONTAINER" envDefault:"results" help:"blob container of results"`
	TablePrefix      string `env:"TABLE_PREFIX" envDefault:"jobs" help:"what the names of the tables of job records begin with"`
}

// Names as Azure allows them; a table's name is the prefix and eight digits.
var (
	containerName = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
	tablePrefix   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,54}$`)
)

const maxContainerName = 63

// Check gives one line for each wrong setting.
func (c *Storage) Check() error {
	var wrong problems
	c.checkAccount(&wrong)
	c.checkNames(&wrong)
	return wrong.join()
}

func (c *Storage) checkAccount(wrong *problems) {
	entra := c.BlobEndpoint != "" || c.TableEndpoint != ""
	switch {
	case c.ConnectionString == "" && !entra:
		wrong.add("STORAGE_CONNECTION_STRING",
			"is missing; set it, or STORAGE_BLOB_ENDPOINT and STORAGE_TABLE_ENDPOINT to use Entra credentials")
	case c.ConnectionString != "" && entra:
		wrong.add("STORAGE_CONNECTION_STRING",
			"is set together with STORAGE_BLOB_ENDPOINT or STORAGE_TABLE_ENDPOINT; set it or them")
	case c.ConnectionString != "":
		_, err := parseAccount(c.ConnectionString)
		wrong.addError("STORAGE_CONNECTION_STRING", err)
	default:
		wrong.addError("STORAGE_BLOB_ENDPOINT", checkEndpoint(c.BlobEndpoint))
		wrong.addError("STORAGE_TABLE_ENDPOINT", checkEndpoint(c.TableEndpoint))
	}
}

func (c *Storage) checkNames(wrong *problems) {
	for setting, name := range map[string]string{"PAYLOAD_CONTAINER": c.PayloadContainer, "RESULT_CONTAINER": c.ResultContainer} {
		if !containerName.MatchString(name) || len(name) > maxContainerName {
			wrong.add(setting, "%q is not the name of a container: 3 to 63 lower-case letters, digits and single hyphens", name)
		}
	}
	if c.PayloadContainer == c.ResultContainer {
		wrong.add("RESULT_CONTAINER", "is the same as PAYLOAD_CONTAINER")
	}
	if !tablePrefix.MatchString(c.TablePrefix) {
		wrong.add("TABLE_PREFIX", "%q is not a letter and up to 54 letters and digits", c.TablePrefix)
	}
}

// checkEndpoint demands https: the SDKs send no token over anything else.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return errors.New("is missing")
	}
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" || parsed.RawQuery != "" || parsed.User != nil {
		return fmt.Errorf("%q is not a URL such as https://example.blob.core.windows.net", endpoint)
	}
	return nil
}

// account is what a storage connection string says.
type account struct {
	name, key                   string
	blobEndpoint, tableEndpoint string
}

// developmentStorage is what UseDevelopmentStorage=true stands for: an Azurite
// on its usual ports, with the key that Microsoft has published for it.
// https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
var developmentStorage = account{
	name:          "devstoreaccount1",
	key:           "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
	blobEndpoint:  "http://127.0.0.1:10000/devstoreaccount1",
	tableEndpoint: "http://127.0.0.1:10002/devstoreaccount1",
}

// parseAccount reads a connection string with an account key.
// https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
func parseAccount(text string) (account, error) {
	settings, err := parseConnectionString(text)
	if err != nil {
		return account{}, err
	}
	if strings.EqualFold(settings["UseDevelopmentStorage"], "true") {
		return developmentStorage, nil
	}
	a := account{
		name: settings["AccountName"], key: settings["AccountKey"],
		blobEndpoint: settings["BlobEndpoint"], tableEndpoint: settings["TableEndpoint"],
	}
	if a.name == "" {
		return account{}, errors.New("has no AccountName")
	}
	if a.key == "" {
		return account{}, errors.New("has no AccountKey")
	}
	if _, err := base64.StdEncoding.DecodeString(a.key); err != nil {
		return account{}, errors.New("has an AccountKey that is not base64")
	}
	a.setDefaultEndpoints(settings["DefaultEndpointsProtocol"], settings["EndpointSuffix"])
	for _, endpoint := range []string{a.blobEndpoint, a.tableEndpoint} {
		if parsed, err := url.Parse(endpoint); err != nil || parsed.Host == "" {
			return account{}, fmt.Errorf("has the endpoint %q, which is not a URL", endpoint)
		}
	}
	return a, nil
}

func (a *account) setDefaultEndpoints(scheme, suffix string) {
	if scheme == "" {
		scheme = "https"
	}
	if suffix == "" {
		suffix = "core.windows.net"
	}
	if a.blobEndpoint == "" {
		a.blobEndpoint = scheme + "://" + a.name + ".blob." + suffix
	}
	if a.tableEndpoint == "" {
		a.tableEndpoint = scheme + "://" + a.name + ".table." + suffix
	}
}
