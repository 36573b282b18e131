package blobstore

import "testing"

// TestBlockSizes states how the memory for blocks is shared out, and that the
// 50,000 blocks that Azure takes are enough for a large blob whatever else runs.
func TestBlockSizes(t *testing.T) {
	b := &blocks{largest: 4 << 20, perUpload: 2, memory: 32 << 20}
	for _, test := range []struct {
		uploads int64
		block   int
		want    int64
	}{
		{1, 0, 4 << 20},
		{1, 1, 4 << 20},
		{4, 1, 4 << 20},
		{8, 0, 4 << 20},
		{8, 1, 2 << 20},
		{64, 0, 512 << 10},
		{64, 1, 256 << 10},
		{1000, 9_999, 256 << 10},
		{1000, 10_000, 512 << 10},
		{1000, 49_999, 4 << 20},
	} {
		b.uploads.Store(test.uploads)
		if got := b.size(test.block); got != test.want {
			t.Errorf("block %d of one of %d uploads has %d bytes, want %d", test.block, test.uploads, got, test.want)
		}
	}
	total := int64(0)
	for n := range 50_000 {
		total += b.size(n)
	}
	if total < 64<<30 {
		t.Errorf("with many uploads a blob has at most %d bytes", total)
	}
}
