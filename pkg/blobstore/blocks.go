package blobstore

import (
	"io"
	"sync/atomic"
)

const (
	// smallestBlock bounds how many requests many uploads at a time take.
	smallestBlock = 256 << 10
	// firstRead is the size of a buffer before anything has come: small content
	// is not worth a block.
	firstRead = 64 << 10
	// blocksOfASize is after how many blocks of one blob the smallest size
	// doubles, so that the 50,000 that Azure takes are enough for any blob.
	blocksOfASize = 10_000
)

// blocks shares the memory for blocks, and the requests that store them, among
// the uploads that are running.
type blocks struct {
	largest   int64
	perUpload int
	memory    int64
	uploads   atomic.Int64
	requests  chan struct{} // holds one element for each block in flight
}

func (b *blocks) join()  { b.uploads.Add(1) }
func (b *blocks) leave() { b.uploads.Add(-1) }

// size gives the size of the nth block of an upload that is running. The first
// one is alone for as long as it is read, and may be all there is.
func (b *blocks) size(n int) int64 {
	share := b.memory / b.uploads.Load()
	if n > 0 {
		share /= int64(b.perUpload)
	}
	smallest := int64(smallestBlock) << (n / blocksOfASize)
	return min(max(share, smallest), b.largest)
}

// buffer gives one for the nth block, the used one if that has the size.
func (b *blocks) buffer(used []byte, n int) []byte {
	size := b.size(n)
	if int64(cap(used)) == size {
		return used[:size]
	}
	return make([]byte, size)
}

// readFirst reads up to the size of a block into a buffer that grows as content
// comes, with an error as fill gives it.
func (b *blocks) readFirst(r io.Reader) (content []byte, err error) {
	for size := min(firstRead, b.largest); ; size = min(4*size, b.size(0)) {
		larger := make([]byte, size)
		read := copy(larger, content)
		var more []byte
		more, err = fill(larger[read:], r)
		content = larger[:read+len(more)]
		if err != nil || size >= b.size(0) {
			return content, err
		}
	}
}

// fill reads until buffer is full or r gives an error, which it returns as it
// is: unlike [io.ReadFull] it does not take a body that broke off
// ([io.ErrUnexpectedEOF]) for one that ended. It gives what was read.
func fill(buffer []byte, r io.Reader) (content []byte, err error) {
	n := 0
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	if n == len(buffer) {
		err = nil
	}
	return buffer[:n], err
}
