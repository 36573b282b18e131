// Package estimate says when a job is worth asking about again, by what workers
// saw of jobs before it.
//
// Each worker has an [Observer], which is told how long requests waited in the
// queue and how long the jobs of each operation took. It writes a report of a
// few kilobytes to a store that all processes share, every few seconds as long
// as there is news, and nothing when there is none. The HTTP services have an
// [Estimator] each, which reads all reports at once, every few seconds as long
// as it is asked, and answers from memory.
//
// # What is kept
//
// Of each operation a histogram with buckets that grow by a tenth, from a
// millisecond to days; each bucket knows its mean, so that an operation that
// always takes the same is known exactly. What was seen loses half its weight in
// five minutes, and a report counts for an hour. Of the queue only what the last
// requests waited is kept, and it counts for seconds: queues change quickly.
//
// # What is advised
//
// A poll is timed so that about three jobs in ten of those still pending have
// ended by then, and more the longer a job outlasts its kind: the median job is
// polled about twice, and one that takes very long ever more rarely. Where all
// jobs take the same, the first poll finds the job done.
package estimate
