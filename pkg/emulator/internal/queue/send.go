package queue

import (
	"fmt"
	"time"
)

// Send enqueues all messages or none, those with a ScheduledEnqueueTime to come as scheduled ones. A duplicate within the
// duplicate-detection window is accepted and dropped. It fails with [ErrTooLarge], [ErrFull], [ErrDisabled],
// [ErrNotAllowed] on a dead-letter queue, or [ErrDeleted].
func (q *Queue) Send(msgs ...*Message) error {
	now := q.begin()
	defer q.end(now)
	if err := q.admit(msgs); err != nil {
		return err
	}
	for _, m := range msgs {
		if !q.isDuplicate(m, now) {
			q.enqueue(m, now)
		}
	}
	return nil
}

// Schedule does the same as Send and gives the sequence numbers by which the messages can be cancelled until their
// ScheduledEnqueueTime. Errors are those of Send. As on Azure a dropped duplicate has a number too, of no message.
func (q *Queue) Schedule(msgs ...*Message) ([]int64, error) {
	now := q.begin()
	defer q.end(now)
	if err := q.admit(msgs); err != nil {
		return nil, err
	}
	numbers := make([]int64, 0, len(msgs))
	for _, m := range msgs {
		if q.isDuplicate(m, now) {
			q.sequence++
		} else {
			q.enqueue(m, now)
		}
		numbers = append(numbers, q.sequence)
	}
	return numbers, nil
}

// CancelScheduled removes scheduled messages, all or none. It fails with [ErrNotFound].
func (q *Queue) CancelScheduled(seq ...int64) error {
	now := q.begin()
	defer q.end(now)
	for _, s := range seq {
		if m := q.log.get(s); m == nil || m.State != Scheduled {
			return fmt.Errorf("scheduled message %d: %w", s, ErrNotFound)
		}
	}
	for _, s := range seq {
		if m := q.log.get(s); m != nil { // nil when named twice
			q.scheduled.remove(m.heapIndex)
			q.drop(m)
		}
	}
	return nil
}

// admit tells whether the queue takes these messages.
func (q *Queue) admit(msgs []*Message) error {
	switch {
	case q.gone:
		return ErrDeleted
	case q.IsDeadLetter():
		return fmt.Errorf("send to a dead-letter queue: %w", ErrNotAllowed)
	case !q.properties.Status.sends():
		return ErrDisabled
	}
	var sum int64
	for _, m := range msgs {
		if limit := q.properties.MaxMessageSizeInKilobytes << 10; m.Size > limit {
			return fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, m.Size, limit)
		}
		sum += int64(m.Size)
	}
	if limit := int64(q.properties.MaxSizeInMegabytes) << 20; q.bytes+sum > limit {
		return fmt.Errorf("%w of %d MB", ErrFull, q.properties.MaxSizeInMegabytes)
	}
	return nil
}

// isDuplicate tells whether a message's ID was seen within the window, and remembers it.
func (q *Queue) isDuplicate(m *Message, now time.Time) bool {
	if q.seen == nil || m.ID == "" {
		return false
	}
	q.seen.forget(now, q.properties.DuplicateDetectionHistoryTimeWindow)
	return !q.seen.add(m.ID, now)
}

func (q *Queue) enqueue(m *Message, now time.Time) {
	q.bytes += int64(m.Size)
	if !m.ScheduledEnqueueTime.After(now) {
		q.activate(m, now)
		return
	}
	q.sequence++
	m.SequenceNumber, m.EnqueuedSequenceNumber = q.sequence, q.sequence
	m.EnqueuedTime = now
	m.State = Scheduled
	q.log.put(m)
	q.scheduled.push(m)
}

// activate appends a message to the queue. A scheduled one gets a new sequence number, as on Azure
// (https://learn.microsoft.com/azure/service-bus-messaging/message-sequencing), and its time to live begins.
func (q *Queue) activate(m *Message, now time.Time) {
	q.sequence++
	m.SequenceNumber, m.EnqueuedSequenceNumber = q.sequence, q.sequence
	m.EnqueuedTime = now
	m.State = Active
	if limit := q.properties.DefaultMessageTimeToLive; limit > 0 && (m.TimeToLive <= 0 || m.TimeToLive > limit) {
		m.TimeToLive = limit
	}
	if m.TimeToLive > 0 {
		m.ExpiresAt = now.Add(m.TimeToLive)
	}
	q.log.put(m)
	q.log.setReady(m)
}
