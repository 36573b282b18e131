package localazure_test

import (
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// What ConnectionString writes, ParseStorage reads; the order and unknown settings do not matter.
func TestParseStorage(t *testing.T) {
	want := localazure.Storage{
		AccountName: "account", AccountKey: "a2V5PQ==",
		BlobEndpoint:  "https://127.0.0.1:1/account",
		QueueEndpoint: "https://127.0.0.1:2/account",
		TableEndpoint: "https://127.0.0.1:3/account",
	}
	tests := []string{
		want.ConnectionString(),
		"TableEndpoint=https://127.0.0.1:3/account; QueueEndpoint=https://127.0.0.1:2/account;;Other=x;" +
			"BlobEndpoint=https://127.0.0.1:1/account;AccountKey=a2V5PQ==;AccountName=account",
	}
	for _, text := range tests {
		if got, err := localazure.ParseStorage(text); err != nil || got != want {
			t.Errorf("%s\ngives %+v, %v", text, got, err)
		}
	}
}

// A connection string that does not say enough is refused by the name of what is missing, and never quoted: it holds
// a key.
func TestParseStorageErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "localazure: the storage connection string has no AccountName"},
		{"AccountName=a", "localazure: the storage connection string has no AccountKey"},
		{"AccountName=a;AccountKey=b", "localazure: the storage connection string has no BlobEndpoint"},
		{"AccountName=a;AccountKey=b;BlobEndpoint=c", "localazure: the storage connection string has no TableEndpoint"},
		{"AccountName=a;secret", "localazure: a part of the storage connection string is not name=value"},
	}
	for _, test := range tests {
		if _, err := localazure.ParseStorage(test.text); err == nil || err.Error() != test.want {
			t.Errorf("%q gives %v, want %s", test.text, err, test.want)
		}
	}
}
