package operation

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// Set holds the operations of one file.
type Set struct {
	operations map[string]*Operation
}

// Lookup finds an operation by its name.
func (s *Set) Lookup(name string) (*Operation, bool) {
	o, ok := s.operations[name]
	return o, ok
}

// Names lists the operations in alphabetical order.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.operations)) }

// LongestQueueTimeout gives the longest time that any accepted request may
// wait in the queue.
func (s *Set) LongestQueueTimeout() time.Duration {
	var longest time.Duration
	for _, o := range s.operations {
		longest = max(longest, o.QueueTimeout)
	}
	return longest
}

// Load reads the operations file at path.
func Load(path string) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("operations file: %w", err)
	}
	defer f.Close()
	set, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("operations file %s: %w", path, err)
	}
	return set, nil
}

// Parse reads an operations file. An unknown key, a malformed value and an
// operation without exactly one processor are errors of one line that names
// line and key.
func Parse(r io.Reader) (*Set, error) {
	source, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	file, tree, err := decode(source)
	if err != nil {
		return nil, err
	}
	if len(file.Operations) == 0 {
		return nil, errors.New("no operations; name at least one under operations")
	}
	set := &Set{operations: map[string]*Operation{}}
	for _, name := range slices.Sorted(maps.Keys(file.Operations)) {
		o, err := file.Operations[name].operation(name)
		if err != nil {
			return nil, tree.place(err, "operations", name)
		}
		set.operations[name] = o
	}
	return set, nil
}
