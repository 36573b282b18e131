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

// stream uploads head and what content gives after it in blocks, several at a
// time, and makes the blob of them when all are there. It stops reading content
// when a block fails.
func (u *upload) stream(ctx context.Context, head []byte, content io.Reader) error {
	group, groupCtx := errgroup.WithContext(ctx)
	blocks, sourceErr := u.stageAll(groupCtx, group, head, content)
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
// ends, and what ended it if that was not its end. Each block in flight has a
// buffer of its own, the first that of head.
func (u *upload) stageAll(ctx context.Context, group *errgroup.Group, head []byte, content io.Reader) (ids []string, err error) {
	free := make(chan []byte, u.blocks.perUpload)
	for range u.blocks.perUpload - 1 {
		free <- nil
	}
	block := head
	for {
		if len(block) > 0 {
			id := u.blockID(len(ids))
			ids = append(ids, id)
			staged := block
			group.Go(func() error {
				err := u.stage(ctx, id, staged)
				free <- staged
				return err
			})
		}
		if err == io.EOF {
			return ids, nil
		}
		var buffer []byte
		select {
		case buffer = <-free:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if block, err = fill(u.blocks.buffer(buffer, len(ids)), content); err != nil && err != io.EOF {
			return nil, err
		}
	}
}

func (u *upload) stage(ctx context.Context, id string, block []byte) error {
	select {
	case u.blocks.requests <- struct{}{}:
		defer func() { <-u.blocks.requests }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_, err := u.blob.StageBlock(ctx, id, streaming.NopCloser(bytes.NewReader(block)), nil)
	return err
}

// blockID gives ids of one length, as Azure demands within a blob, that no
// other upload of the same name uses.
func (u *upload) blockID(n int) string {
	id := append([]byte(u.writeID), 0)
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(id, uint32(n)))
}
