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

// smallBlob is the most that is read ahead to find out whether the content
// goes in one request.
const smallBlob = 64 << 10

// writeIDKey is the metadata in which an upload is recognized as one's own.
const writeIDKey = "writeid"

// Put writes a blob and gives [job.ErrExists] if there is one of that name.
// Content is streamed and never whole in memory; small content takes one
// request. An error of content is given as it is. Nothing of an upload that
// failed is ever visible.
func (c *Container) Put(ctx context.Context, name string, content io.Reader, properties job.BlobProperties) error {
	upload := c.newUpload(name, properties)
	head := make([]byte, headSize(content))
	n, err := fill(head, content)
	switch err {
	case nil:
		return upload.stream(ctx, io.MultiReader(bytes.NewReader(head), content))
	case io.EOF:
		return upload.single(ctx, head[:n])
	default:
		return err
	}
}

// headSize gives how much to read ahead: all of content and a byte more, if it
// can say how long it is.
func headSize(content io.Reader) int {
	if sized, ok := content.(interface{ Len() int }); ok {
		return min(sized.Len()+1, smallBlob)
	}
	return smallBlob
}

// upload is one upload and what marks it.
type upload struct {
	blob        *blockblob.Client
	name        string
	writeID     string
	headers     blob.HTTPHeaders
	metadata    map[string]*string
	blockSize   int64
	concurrency int
}

func (c *Container) newUpload(name string, properties job.BlobProperties) *upload {
	contentType := safeContentType(properties.ContentType)
	disposition := contentDisposition(properties.FileName)
	writeID := rand.Text()
	return &upload{
		blob:        c.client.NewBlockBlobClient(name),
		name:        name,
		writeID:     writeID,
		headers:     blob.HTTPHeaders{BlobContentType: &contentType, BlobContentDisposition: &disposition},
		metadata:    map[string]*string{writeIDKey: &writeID},
		blockSize:   c.blockSize,
		concurrency: c.concurrency,
	}
}

// unlessExists makes a write fail when there is a blob of that name.
func unlessExists() *blob.AccessConditions {
	anyVersion := azcore.ETagAny
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &anyVersion}}
}

func (u *upload) single(ctx context.Context, content []byte) error {
	_, err := u.blob.Upload(ctx, streaming.NopCloser(bytes.NewReader(content)), &blockblob.UploadOptions{
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
