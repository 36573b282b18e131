package stock

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/tablestore"
)

// Sample is what a worker wrote for one job, to be written again as it is under
// other names.
type Sample struct {
	content  []byte
	headers  blob.HTTPHeaders
	metadata map[string]*string
	rest     []byte // the row in JSON, without its key
}

// ReadSample reads what was written for a job that has succeeded.
func ReadSample(ctx context.Context, connectionString string, id job.ID) (Sample, error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	tables, blobs, err := clients(connectionString, &http.Client{Transport: transport})
	if err != nil {
		return Sample{}, err
	}
	row, err := readRow(ctx, tables.NewClient(tablestore.DefaultTablePrefix+id.Day()), id)
	if err != nil {
		return Sample{}, err
	}
	var s Sample
	if err := s.takeRow(row); err != nil {
		return Sample{}, err
	}
	var result string
	if err := json.Unmarshal(row["ResultBlob"], &result); err != nil {
		return Sample{}, fmt.Errorf("the row of job %s names no result: %w", id, err)
	}
	return s, s.takeBlob(ctx, blobs, result)
}

func readRow(ctx context.Context, table *aztables.Client, id job.ID) (map[string]json.RawMessage, error) {
	response, err := table.GetEntity(ctx, hex.EncodeToString([]byte{id.Shard()}), id.String(), nil)
	if err != nil {
		return nil, err
	}
	var row map[string]json.RawMessage
	return row, json.Unmarshal(response.Value, &row)
}

// takeRow keeps what a client writes, and leaves out what the service adds.
func (s *Sample) takeRow(row map[string]json.RawMessage) error {
	written := map[string]json.RawMessage{}
	for name, value := range row {
		if !strings.HasPrefix(name, "odata.") && !strings.HasPrefix(name, "Timestamp") && name != "PartitionKey" && name != "RowKey" {
			written[name] = value
		}
	}
	text, err := json.Marshal(written)
	s.rest = bytes.TrimPrefix(text, []byte("{"))
	return err
}

// row gives the row under another key.
func (s *Sample) row(k Key) []byte {
	return append(fmt.Appendf(nil, `{"PartitionKey":%q,"RowKey":%q,`, k.Partition, k.Row), s.rest...)
}

func (s *Sample) takeBlob(ctx context.Context, blobs *azblob.Client, name string) error {
	response, err := blobs.DownloadStream(ctx, blobstore.DefaultResultContainer, name, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	s.headers = blob.HTTPHeaders{BlobContentType: response.ContentType, BlobContentDisposition: response.ContentDisposition}
	s.metadata = response.Metadata
	s.content, err = io.ReadAll(response.Body)
	return err
}

func isConflict(err error) bool { return hasStatus(err, http.StatusConflict) }
func isNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

func hasStatus(err error, status int) bool {
	response, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && response.StatusCode == status
}
