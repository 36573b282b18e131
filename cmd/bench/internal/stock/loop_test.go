package stock

import (
	"slices"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

// TestLoops states that every way of writing leaves a row for each job, and
// each row's result.
func TestLoops(t *testing.T) {
	sample := Sample{content: []byte("result"), rest: []byte(`"Status":"Succeeded"}`)}
	s, err := OpenStorage(t.Context(), localazuretest.Storage(t).ConnectionString(), sample)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	written := 0
	for _, loop := range Loops() {
		const jobs = 130 // more than a transaction takes
		if _, err := loop.Run(t.Context(), s, jobs); err != nil {
			t.Fatalf("%s: %v", loop, err)
		}
		written += jobs
		rows, blobs := rowsOf(t, s), blobsOf(t, s)
		if len(rows) != written || !slices.Equal(rows, blobs) {
			t.Errorf("%s: there are %d rows and %d results, want %d", loop, len(rows), len(blobs), written)
		}
	}
}

func rowsOf(t *testing.T, s *Storage) (keys []string) {
	t.Helper()
	for pager := s.rows.NewListEntitiesPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, entity := range page.Entities {
			var e aztables.EDMEntity
			if err := e.UnmarshalJSON(entity); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, e.PartitionKey+"/"+e.RowKey)
		}
	}
	slices.Sort(keys)
	return keys
}

func blobsOf(t *testing.T, s *Storage) (names []string) {
	t.Helper()
	for pager := s.blobs.NewListBlobsFlatPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, blob := range page.Segment.BlobItems {
			names = append(names, *blob.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestFailingStorage states that a loop whose storage fails ends with an error.
func TestFailingStorage(t *testing.T) {
	s, err := OpenStorage(t.Context(), localazuretest.Storage(t).ConnectionString(), Sample{rest: []byte("nonsense}")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, loop := range Loops() {
		if _, err := loop.Run(t.Context(), s, 130); err == nil {
			t.Errorf("%s: rows that are not JSON were written", loop)
		}
	}
}
