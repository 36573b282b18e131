package blobstore_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/asyncreply/asyncreply/pkg/blobstore"
)

// TestURLsAreHandedOutAgain states that a URL is given again for a twentieth of
// its lifetime and no longer, always with its own end, and only for what it was
// signed for; and never one that a clock that went back had signed.
func TestURLsAreHandedOutAgain(t *testing.T) {
	key, err := azblob.NewSharedKeyCredential("example", "c2VjcmV0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := azblob.NewClientWithSharedKeyCredential("https://example.blob.core.windows.net", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	now := start
	signer := blobstore.NewSigner(client, key, &blobstore.SignerOptions{Lifetime: 10 * time.Minute, Now: func() time.Time { return now }})
	properties := blobstore.SignOptions{ContentType: "image/png", FileName: "a.png"}
	first, ends, err := signer.URL(t.Context(), "a", properties)
	if err != nil || !ends.Equal(start.Add(10*time.Minute)) {
		t.Fatalf("ends %v, %v", ends, err)
	}
	for _, c := range []struct {
		name, blob string
		properties blobstore.SignOptions
		after      time.Duration
		same       bool
	}{
		{"at once", "a", properties, 0, true},
		{"within a twentieth", "a", properties, 29 * time.Second, true},
		{"another blob", "b", properties, 0, false},
		{"another file name", "a", blobstore.SignOptions{ContentType: "image/png", FileName: "b.png"}, 0, false},
		{"another type", "a", blobstore.SignOptions{FileName: "a.png"}, 0, false},
		{"by a clock that went back", "a", properties, -time.Minute, false},
		{"after a twentieth", "a", properties, 30 * time.Second, false},
	} {
		now = start.Add(c.after)
		url, expires, err := signer.URL(t.Context(), c.blob, c.properties)
		if err != nil {
			t.Fatal(err)
		}
		want := now.Add(10 * time.Minute)
		if c.same {
			want = ends
		}
		if (url == first) != c.same || !expires.Equal(want) {
			t.Errorf("%s: the same URL: %v, ends %v, want %v", c.name, url == first, expires, want)
		}
	}
}
