// Package tablestore keeps job records in Azure Table Storage.
//
// A record is one entity of the table {prefix}{yyyymmdd} of the day on which
// its id was issued. PartitionKey is the id's shard in two hexadecimal digits,
// RowKey the id. Retention is dropping a day's table. Tables are made on first
// use.
//
// Every write after the insert is conditional on the ETag that was read
// ([job.Record.Version]). A write whose reply was lost is recognized when it is
// tried again, by the SDK or by the caller: each entity carries a WriteID that
// is derived from what is written, on top of what, and by which process, so
// that a refused write that finds its own WriteID stored has succeeded.
//
// Writes of one partition that meet go as one transaction: a write goes at once
// and by itself unless another one of its partition is under way; then it goes
// with those that come meanwhile, when that one is answered. Each gets the
// answer that it would have got by itself, for when a transaction is refused its
// writes are made one by one.
//
// Errors are those of the domain: [job.ErrNotFound], [job.ErrExists],
// [job.ErrConflict], and [job.ErrBusy] when the service is throttling, failing
// or out of reach. How long and how often a call is tried is for the client's
// retry options to say.
package tablestore
