package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// share is an operation and how often it is submitted, compared with others.
type share struct {
	name   string
	weight int
}

// mix is what is submitted.
type mix []share

// maxWeights bounds the sum of a mix's weights.
const maxWeights = 10_000

// String implements [flag.Value].
func (m *mix) String() string {
	var parts []string
	for _, s := range *m {
		parts = append(parts, fmt.Sprintf("%s=%d", s.name, s.weight))
	}
	return strings.Join(parts, ",")
}

// Set implements [flag.Value].
func (m *mix) Set(text string) error {
	var all mix
	sum := 0
	for part := range strings.SplitSeq(text, ",") {
		s, err := parseShare(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		if sum += s.weight; sum > maxWeights {
			return fmt.Errorf("the weights add up to more than %d", maxWeights)
		}
		all = append(all, s)
	}
	*m = all
	return nil
}

// parseShare reads NAME or NAME=WEIGHT. In a name with a query the last
// parameter has an equals sign of its own.
func parseShare(text string) (share, error) {
	s := share{name: text, weight: 1}
	query := max(strings.LastIndexByte(text, '?'), strings.LastIndexByte(text, '&'))
	if i := strings.LastIndexByte(text, '='); i >= 0 && (query < 0 || strings.Count(text[query:], "=") > 1) {
		n, err := strconv.Atoi(text[i+1:])
		if err != nil || n < 1 || n > maxWeights {
			return s, fmt.Errorf("the weight %q of %s is not a number from 1 to %d", text[i+1:], text[:i], maxWeights)
		}
		s = share{name: text[:i], weight: n}
	}
	if s.name == "" || strings.HasPrefix(s.name, "?") {
		return s, errors.New("an operation has no name")
	}
	return s, nil
}

// order spreads the operations evenly by their weights: in as many requests as
// the weights add up to, each comes as often as its weight says. It gives
// indexes into the mix.
func (m mix) order() []int {
	sum := 0
	for _, s := range m {
		sum += s.weight
	}
	credit := make([]int, len(m))
	order := make([]int, 0, sum)
	for range sum {
		next := 0
		for i, s := range m {
			credit[i] += s.weight
			if credit[i] > credit[next] {
				next = i
			}
		}
		credit[next] -= sum
		order = append(order, next)
	}
	return order
}
