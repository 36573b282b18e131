package blobstore

import (
	"cmp"
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// Names of the containers unless [Options] say otherwise.
const (
	DefaultPayloadContainer = "payloads"
	DefaultResultContainer  = "results"
)

// Options configure a [Store]. The zero value is usable.
type Options struct {
	PayloadContainer string
	ResultContainer  string

	// BlockSize is the number of bytes up to which content is uploaded in one
	// request, and the most that one request for a part of larger content
	// takes; 4 MiB if zero.
	BlockSize int64
	// Concurrency is the number of blocks of one upload in flight, 2 if zero.
	Concurrency int
	// Memory is what the blocks of all uploads together may take, in bytes,
	// 16 MiB if zero: the more uploads at a time, the smaller their blocks,
	// though never below 256 KiB.
	Memory int64
	// Requests is the number of blocks of all uploads in flight, 8 if zero.
	// More at a time would not be stored sooner, but some might time out.
	Requests int
}

// Store keeps payloads and results. It is safe for concurrent use.
type Store struct {
	payloads, results *Container
}

// New makes a store on the account of client. It makes no request.
func New(client *azblob.Client, opts *Options) *Store {
	if opts == nil {
		opts = &Options{}
	}
	blocks := &blocks{
		largest:   cmp.Or(opts.BlockSize, 4<<20),
		perUpload: cmp.Or(opts.Concurrency, 2),
		memory:    cmp.Or(opts.Memory, 16<<20),
		requests:  make(chan struct{}, cmp.Or(opts.Requests, 8)),
	}
	open := func(name string) *Container {
		return &Container{client: client.ServiceClient().NewContainerClient(name), blocks: blocks}
	}
	return &Store{
		payloads: open(cmp.Or(opts.PayloadContainer, DefaultPayloadContainer)),
		results:  open(cmp.Or(opts.ResultContainer, DefaultResultContainer)),
	}
}

// Payloads gives the container of claim-checked payloads.
func (s *Store) Payloads() *Container { return s.payloads }

// Results gives the container of results.
func (s *Store) Results() *Container { return s.results }

// EnsureContainers makes the containers that do not exist yet. They are
// private: only credentials and signed URLs open them.
func (s *Store) EnsureContainers(ctx context.Context) error {
	return errors.Join(s.payloads.Ensure(ctx), s.results.Ensure(ctx))
}

// Ready reports whether both containers can be reached. A service that uses
// one of them only asks that one: see [Container.Ready].
func (s *Store) Ready(ctx context.Context) error {
	return errors.Join(s.payloads.Ready(ctx), s.results.Ready(ctx))
}

// Container is one container of blobs. It is safe for concurrent use.
type Container struct {
	client *container.Client
	blocks *blocks
}

// Ensure makes the container if it does not exist.
func (c *Container) Ensure(ctx context.Context) error {
	_, err := c.client.Create(ctx, nil)
	if err = translate(ctx, "create container", err); errors.Is(err, job.ErrExists) {
		return nil
	}
	return err
}

// Ready reports whether the container exists and can be reached.
func (c *Container) Ready(ctx context.Context) error {
	_, err := c.client.GetProperties(ctx, nil)
	return translate(ctx, "look at container "+c.client.URL(), err)
}
