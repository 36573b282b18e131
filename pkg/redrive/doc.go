// Package redrive puts dead-lettered jobs back into the queue, and their state
// with them. It is an operator's explicit act and the one thing that moves a
// job out of a terminal state: its record goes from Failed back to Running,
// waiting for its next attempt, with the failure as its last error. Who polls
// sees 202 again, ten seconds later at most, and in the end how it went this
// time. Attempts and deadline of the operation count anew.
//
// A job's record is written first, on condition that nobody else wrote it; then
// the message's copy, whose attempt is one above those that failed, is queued;
// then the dead letter is removed. Wherever this breaks off, running it again
// goes on from there, as do workers in the end: to them the dead letter is one
// of an earlier attempt, whose copy they queue again, and the queue knows the
// copy by its MessageID. So any number of redrives and workers may run at once.
//
// Jobs that succeeded or were canceled stay as they are, and so do messages
// that name no job, cannot be understood, or are past retention.
package redrive
