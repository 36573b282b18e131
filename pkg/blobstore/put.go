package blobstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// writeIDKey is the metadata in which an upload is recognized as one's own.
const writeIDKey = "writeid"

// Put writes a blob and gives [job.ErrExists] if there is one of that name.
// Content up to the size of a block takes one request; what lies in memory
// already, as in a [bytes.Reader], is sent from where it lies. Larger content
// is streamed and never whole in memory. An error of content is given as it
// is. Nothing of an upload that failed is ever visible.
func (c *Container) Put(ctx context.Context, name string, content io.Reader, properties job.BlobProperties) error {
	upload := c.newUpload(name, properties)
	if whole := inMemory(content); whole != nil && whole.Size() <= c.blocks.largest {
		return upload.single(ctx, whole)
	}
	c.blocks.join()
	defer c.blocks.leave()
	head, err := c.blocks.readFirst(content)
	switch err {
	case nil:
		return upload.stream(ctx, head, content)
	case io.EOF:
		return upload.single(ctx, bytes.NewReader(head))
	default:
		return err
	}
}

// inMemory gives what is left to read of content that can be read from any
// place, or nil.
func inMemory(content io.Reader) *io.SectionReader {
	whole, ok := content.(interface {
		io.ReaderAt
		Len() int
		Size() int64
	})
	if !ok {
		return nil
	}
	left := int64(whole.Len())
	return io.NewSectionReader(whole, whole.Size()-left, left)
}

// upload is one upload and what marks it.
type upload struct {
	blob     *blockblob.Client
	name     string
	writeID  string
	headers  blob.HTTPHeaders
	metadata map[string]*string
	blocks   *blocks
}

func (c *Container) newUpload(name string, properties job.BlobProperties) *upload {
	contentType := safeContentType(properties.ContentType)
	disposition := contentDisposition(properties.FileName)
	writeID := rand.Text()
	return &upload{
		blob:     c.client.NewBlockBlobClient(name),
		name:     name,
		writeID:  writeID,
		headers:  blob.HTTPHeaders{BlobContentType: &contentType, BlobContentDisposition: &disposition},
		metadata: map[string]*string{writeIDKey: &writeID},
		blocks:   c.blocks,
	}
}

// unlessExists makes a write fail when there is a blob of that name.
func unlessExists() *blob.AccessConditions {
	anyVersion := azcore.ETagAny
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &anyVersion}}
}

func (u *upload) single(ctx context.Context, content io.ReadSeeker) error {
	_, err := u.blob.Upload(ctx, streaming.NopCloser(content), &blockblob.UploadOptions{
		HTTPHeaders: &u.headers, Metadata: u.metadata, AccessConditions: unlessExists(),
	})
	return u.confirm(ctx, err)
}

// confirm looks, after a write was refused because the blob exists, whether an
// earlier try of the same write made it.
func (u *upload) confirm(ctx context.Context, err error) error {
	refusal := translate(ctx, "write blob "+u.name, err)
	if !errors.Is(refusal, job.ErrExists) && !errors.Is(refusal, job.ErrConflict) {
		return refusal
	}
	stored, err := u.blob.GetProperties(ctx, nil)
	if err = translate(ctx, "look at blob "+u.name, err); err != nil {
		return err
	}
	if metadata(stored.Metadata, writeIDKey) == u.writeID {
		return nil
	}
	return &job.Error{Code: job.CodeExists, Message: "write blob " + u.name}
}
