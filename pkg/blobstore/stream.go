package blobstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"golang.org/x/sync/errgroup"
)

// stream uploads content in blocks, several at a time, and makes the blob of
// them when all are there. It stops reading content when a block fails.
func (u *upload) stream(ctx context.Context, content io.Reader) error {
	group, groupCtx := errgroup.WithContext(ctx)
	blocks, sourceErr := u.stageAll(groupCtx, group, content)
	if err := group.Wait(); err != nil {
		return translate(ctx, "write blob "+u.name, err)
	}
	if sourceErr != nil {
		return sourceErr
	}
	_, err := u.blob.CommitBlockList(ctx, blocks, &blockblob.CommitBlockListOptions{
		HTTPHeaders: &u.headers, Metadata: u.metadata, AccessConditions: unlessExists(),
	})
	return u.confirm(ctx, err)
}

// stageAll gives the ids of the blocks that group is staging when content
// ends, and what ended it if that was not its end. Each block in flight has one
// of u.concurrency buffers.
func (u *upload) stageAll(ctx context.Context, group *errgroup.Group, content io.Reader) (blocks []string, err error) {
	free := make(chan []byte, u.concurrency)
	for range u.concurrency {
		free <- nil
	}
	for err == nil {
		var buffer []byte
		select {
		case buffer = <-free:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if buffer == nil {
			buffer = make([]byte, u.blockSize)
		}
		var n int
		if n, err = fill(buffer, content); n == 0 {
			break
		}
		id := u.blockID(len(blocks))
		blocks = append(blocks, id)
		group.Go(func() error {
			err := u.stage(ctx, id, buffer[:n])
			free <- buffer
			return err
		})
	}
	if err == io.EOF {
		err = nil
	}
	return blocks, err
}

// fill reads until buffer is full or r gives an error, which it returns as it
// is: unlike [io.ReadFull] it does not take a body that broke off
// ([io.ErrUnexpectedEOF]) for one that ended.
func fill(buffer []byte, r io.Reader) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	if n == len(buffer) {
		err = nil
	}
	return n, err
}

func (u *upload) stage(ctx context.Context, id string, block []byte) error {
	_, err := u.blob.StageBlock(ctx, id, streaming.NopCloser(bytes.NewReader(block)), nil)
	return err
}

// blockID gives ids of one length, as Azure demands within a blob, that no
// other upload of the same name uses.
func (u *upload) blockID(n int) string {
	id := append([]byte(u.writeID), 0)
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(id, uint32(n)))
}
