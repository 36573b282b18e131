package worker

import (
	"context"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

// receive takes messages, never more than there are free slots, and starts
// their tasks, until ctx is done or the queue is gone.
func (w *Worker) receive(ctx context.Context, stage *stage) error {
	for {
		free := w.takeSlots(ctx)
		if free == 0 {
			return nil
		}
		deliveries, err := w.options.Queue.Receive(ctx, free)
		w.freeSlots(free - len(deliveries))
		if len(deliveries) > 0 {
			stage.tasks.Go(func() { w.start(stage, deliveries) })
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// takeSlots waits for a free slot and takes all that there are. It gives 0
// when ctx is done.
func (w *Worker) takeSlots(ctx context.Context) int {
	select {
	case <-ctx.Done():
		return 0
	case <-w.slots:
	}
	taken := 1
	for {
		select {
		case <-w.slots:
			taken++
		default:
			return taken
		}
	}
}

func (w *Worker) freeSlots(n int) {
	for range n {
		w.slots <- struct{}{}
	}
}

// start looks the jobs of one batch up, as few reads as that takes, and starts
// a task for each.
func (w *Worker) start(stage *stage, deliveries []*job.Delivery) {
	for _, group := range groupByShard(w.startNew(stage, deliveries)) {
		stage.tasks.Go(func() {
			known := w.lookUp(stage.handlers, group)
			for _, d := range group {
				t := w.newTask(stage, d)
				t.known, t.looked = known[d.Message.ID], known != nil
				stage.tasks.Go(func() { w.do(stage, t) })
			}
		})
	}
}

// newFor is how long a job that is delivered for the first time counts as new
// after it was seen to have no record. Only a cancel can have written one since;
// it is then found at the first heartbeat, as if it had come a moment later.
const newFor = 250 * time.Millisecond

// startNew starts the tasks of those jobs of a batch that are known to be new,
// and gives the other deliveries.
func (w *Worker) startNew(stage *stage, deliveries []*job.Delivery) []*job.Delivery {
	keeper, ok := w.options.Records.(AbsenceKeeper)
	if !ok {
		return deliveries
	}
	var others []*job.Delivery
	for _, d := range deliveries {
		if d.Err != nil || d.DeliveryCount != 1 || d.Message.Attempt > 1 || !keeper.Absent(d.Message.ID, newFor) {
			others = append(others, d)
			continue
		}
		t := w.newTask(stage, d)
		t.looked = true
		stage.tasks.Go(func() { w.do(stage, t) })
	}
	return others
}

// leastEnds is how many jobs at least are ended beside those that run. Such a
// one holds no more than a result of [maxBuffered] bytes, and waits for storage
// and broker most of the time.
const leastEnds = 64

// do runs a task. Its slot is free again when its handler has returned, if the
// job then finds a place among those that are being ended: their results are
// stored, their records written and their messages settled beside the jobs that
// run. Otherwise the slot serves until the end.
func (w *Worker) do(stage *stage, t *task) {
	atEnd := false
	t.vacate = func() {
		select {
		case w.ends <- struct{}{}:
			atEnd = true
			w.freeSlots(1)
		default:
		}
	}
	returned := t.run()
	if atEnd {
		<-w.ends
		return
	}
	w.freeSlotAfter(stage, returned)
}

// freeSlotAfter frees a slot when its handler has returned, which one that
// ignores the end of its context may do late or never. nil: none was called.
func (w *Worker) freeSlotAfter(stage *stage, returned <-chan struct{}) {
	if returned == nil {
		w.freeSlots(1)
		return
	}
	select {
	case <-returned:
		w.freeSlots(1)
	default:
		stage.stragglers.Go(func() {
			<-returned
			w.freeSlots(1)
		})
	}
}

// partition is where a record lies.
type partition struct {
	day   string
	shard byte
}

// groupByShard parts a batch by where its records lie.
func groupByShard(deliveries []*job.Delivery) map[partition][]*job.Delivery {
	groups := map[partition][]*job.Delivery{}
	for _, d := range deliveries {
		id := d.Message.ID
		key := partition{day: id.Day(), shard: id.Shard()}
		groups[key] = append(groups[key], d)
	}
	return groups
}

// lookupTimeout bounds one read of records.
const lookupTimeout = 5 * time.Second

// lookUp reads the records of a group in one go. It gives nil if that is not to
// be had or fails; each task then reads its own.
func (w *Worker) lookUp(ctx context.Context, group []*job.Delivery) map[job.ID]*job.Record {
	reader, ok := w.options.Records.(BatchReader)
	if !ok {
		return nil
	}
	ids := make([]job.ID, 0, len(group))
	for _, d := range group {
		if !d.Message.ID.IsZero() {
			ids = append(ids, d.Message.ID)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	records, err := reader.Lookup(ctx, ids)
	if err != nil {
		w.options.Logger.Warn("reading a batch's records together failed", "error", err)
		return nil
	}
	known := make(map[job.ID]*job.Record, len(records))
	for i := range records {
		known[records[i].ID] = &records[i]
	}
	return known
}
