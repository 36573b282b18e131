// Package blobstore keeps payloads and results in Azure Blob Storage, and signs
// the URLs by which callers fetch results (the valet key pattern).
//
// Payloads lie in one container under {yyyymmdd}/{id}, results in another
// under {yyyymmdd}/{id}/{attempt}-{nonce}, the day as in [job.ID.Day]; so a
// day's blobs share a prefix. A name is written once: a second write of it is
// refused with [job.ErrExists], and a write whose reply was lost is recognized
// when the SDK tries it again.
//
// Content is streamed both ways. Memory for one upload is bounded by
// [Options.BlockSize] × [Options.Concurrency].
package blobstore
