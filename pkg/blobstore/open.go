package blobstore

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// readRetries is how often in a row a broken body is resumed without a byte
// in between.
const readRetries = 8

// Open reads count bytes of a blob from offset on, or all that follow if count
// is 0. It gives [job.ErrNotFound] if there is no such blob, and an [job.Error]
// with [job.CodeInvalidRequest] if offset is behind its end. A body that breaks
// off is resumed where it broke, of the same version of the blob. The caller
// closes the reader; ctx ends the reading as well.
func (c *Container) Open(ctx context.Context, name string, offset, count int64) (io.ReadCloser, job.BlobInfo, error) {
	response, err := c.client.NewBlobClient(name).DownloadStream(ctx, &blob.DownloadStreamOptions{
		Range: blob.HTTPRange{Offset: offset, Count: count},
	})
	if err != nil {
		return nil, job.BlobInfo{}, translate(ctx, "read blob "+name, err)
	}
	body := response.NewRetryReader(ctx, &blob.RetryReaderOptions{MaxRetries: readRetries, EarlyCloseAsError: true})
	return &reader{ctx: ctx, body: body, name: name}, infoOf(&response), nil
}

func infoOf(response *blob.DownloadStreamResponse) job.BlobInfo {
	info := job.BlobInfo{Size: totalSize(response)}
	if response.ContentType != nil {
		info.ContentType = *response.ContentType
	}
	if response.ContentDisposition != nil {
		info.FileName = fileNameOf(*response.ContentDisposition)
	}
	if response.ETag != nil {
		info.ETag = string(*response.ETag)
	}
	if response.LastModified != nil {
		info.ModifiedAt = response.LastModified.UTC()
	}
	return info
}

// totalSize gives the size of the whole blob, of which the response may carry
// a part (RFC 9110, section 14.4).
func totalSize(response *blob.DownloadStreamResponse) int64 {
	if response.ContentRange != nil {
		_, total, _ := strings.Cut(*response.ContentRange, "/")
		if size, err := strconv.ParseInt(total, 10, 64); err == nil {
			return size
		}
	}
	if response.ContentLength != nil {
		return *response.ContentLength
	}
	return 0
}

// reader gives the errors of a body in the domain's terms.
type reader struct {
	ctx  context.Context
	body io.ReadCloser
	name string
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, translate(r.ctx, "read blob "+r.name, err)
}

func (r *reader) Close() error { return r.body.Close() }
