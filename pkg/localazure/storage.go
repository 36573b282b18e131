package localazure

import (
	"errors"
	"fmt"
	"strings"
)

// The account that Azurite serves, published by Microsoft: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
const (
	accountName = "devstoreaccount1"
	accountKey  = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Storage says where a storage account answers and which key signs for it.
type Storage struct {
	AccountName string
	AccountKey  string // base64

	// The endpoints carry the account name in their path, as in http://127.0.0.1:10000/devstoreaccount1.
	BlobEndpoint  string
	QueueEndpoint string
	TableEndpoint string
}

// ConnectionString returns s in the form that Azure's SDKs read.
func (s Storage) ConnectionString() string {
	scheme, _, _ := strings.Cut(s.BlobEndpoint, ":")
	return fmt.Sprintf("DefaultEndpointsProtocol=%s;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;QueueEndpoint=%s;TableEndpoint=%s;",
		scheme, s.AccountName, s.AccountKey, s.BlobEndpoint, s.QueueEndpoint, s.TableEndpoint)
}

// ParseStorage reads a connection string that names its account, key, blob and table endpoints, as those of emulators
// do. Settings that Storage has no field for are ignored.
func ParseStorage(connectionString string) (Storage, error) {
	settings := make(map[string]string)
	for part := range strings.SplitSeq(connectionString, ";") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" && !found {
			continue
		}
		if !found {
			return Storage{}, errors.New("localazure: a part of the storage connection string is not name=value")
		}
		settings[name] = value
	}
	s := Storage{
		AccountName:   settings["AccountName"],
		AccountKey:    settings["AccountKey"],
		BlobEndpoint:  settings["BlobEndpoint"],
		QueueEndpoint: settings["QueueEndpoint"],
		TableEndpoint: settings["TableEndpoint"],
	}
	for _, name := range []string{"AccountName", "AccountKey", "BlobEndpoint", "TableEndpoint"} {
		if settings[name] == "" {
			return Storage{}, fmt.Errorf("localazure: the storage connection string has no %s", name)
		}
	}
	return s, nil
}
