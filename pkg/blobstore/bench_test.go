package blobstore_test

import (
	"strconv"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/asyncreply/asyncreply/pkg/blobstore"
)

// BenchmarkURL measures a valet key, signed by the account's key for a blob of
// its own, and handed out again.
func BenchmarkURL(b *testing.B) {
	key, err := azblob.NewSharedKeyCredential("example", "c2VjcmV0")
	if err != nil {
		b.Fatal(err)
	}
	client, err := azblob.NewClientWithSharedKeyCredential("https://example.blob.core.windows.net", key, nil)
	if err != nil {
		b.Fatal(err)
	}
	properties := blobstore.SignOptions{ContentType: "image/png", FileName: "thumbnail.png"}
	for _, c := range []struct {
		name  string
		blobs int
	}{{"new", 1 << 30}, {"again", 1}} {
		b.Run(c.name, func(b *testing.B) {
			signer := blobstore.NewSigner(client, key, nil)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				name := "20261121/0000d9a5-1234-8abc-9def-" + strconv.Itoa(i%c.blobs)
				if _, _, err := signer.URL(b.Context(), name, properties); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
