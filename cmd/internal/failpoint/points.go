//go:build failpoints

package failpoint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Variable is the environment variable that arms points.
const Variable = "FAILPOINTS"

// Points are the armed points of a process. The nil Points has none.
type Points struct {
	mu    sync.Mutex
	armed map[string]*point
}

// point is something that happens once.
type point struct {
	left int // times to come by, the fatal one included
	act  func()
}

var syntax = regexp.MustCompile(`^([a-z.-]+)=(kill|stop|delay)(?:\(([0-9a-z.]+)\))?@([1-9][0-9]*)$`)

// Parse reads the value of [Variable].
func Parse(value string) (*Points, error) {
	p := &Points{armed: map[string]*point{}}
	for text := range strings.SplitSeq(value, ",") {
		if text == "" {
			continue
		}
		m := syntax.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("failpoint %q is not name=action@n", text)
		}
		act, err := action(m[2], m[3])
		if err != nil {
			return nil, fmt.Errorf("failpoint %q: %w", text, err)
		}
		left, _ := strconv.Atoi(m[4])
		p.armed[m[1]] = &point{left: left, act: act}
	}
	return p, nil
}

func action(name, argument string) (func(), error) {
	if name == "kill" {
		return kill, nil
	}
	d, err := time.ParseDuration(argument)
	if err != nil {
		return nil, err
	}
	if name == "stop" {
		return func() { stop(d) }, nil
	}
	return func() { time.Sleep(d) }, nil
}

// At is what a process calls when it comes by a point.
func (p *Points) At(name string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	at := p.armed[name]
	due := false
	if at != nil {
		at.left--
		due = at.left == 0
	}
	p.mu.Unlock()
	if due {
		at.act()
	}
}
