package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/load"
)

// growths are the measurements of --growth: how cost grows with something.
func growths() []measurement {
	return []measurement{
		{"connections", (*bench).growConnections},
		{"payload", (*bench).growPayload},
		{"workers", (*bench).growWorkers},
		{"queue", (*bench).growQueue},
	}
}

// growthRounds is how often each point is measured, if nobody says otherwise.
const growthRounds = 3

// growth is a table of what was measured at several points.
type growth struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Points  []*point `json:"points"`
	Note    string   `json:"note"`
}

// point is what was measured at one of them: its values round by round, in the
// order of the columns.
type point struct {
	Name   string      `json:"name"`
	Rounds [][]float64 `json:"rounds"`
}

func (p *point) add(values ...float64) { p.Rounds = append(p.Rounds, values) }

// values gives the medians of the columns.
func (p *point) values() []float64 {
	var medians []float64
	for column := range p.Rounds[0] {
		var all []float64
		for _, r := range p.Rounds {
			all = append(all, r[column])
		}
		medians = append(medians, median(all))
	}
	return medians
}

// grow measures all points round by round, each round from the first to the
// last or back, so that no point has the better part of a machine that changes.
func grow[T any](ctx context.Context, b *bench, g *growth, points []T, name func(T) string, measure func(context.Context, T) ([]float64, error)) error {
	for _, p := range points {
		g.Points = append(g.Points, &point{Name: name(p)})
	}
	for r := range b.rounds {
		for i := range points {
			if r%2 == 1 {
				i = len(points) - 1 - i
			}
			values, err := measure(ctx, points[i])
			if err != nil {
				return fmt.Errorf("%s: %w", g.Points[i].Name, err)
			}
			g.Points[i].add(values...)
			b.say("%s: %.4g", g.Points[i].Name, values)
		}
	}
	b.report.growths = append(b.report.growths, g)
	return nil
}

// rateAndLatencies gives the values of a run of the load generator.
func rateAndLatencies(r load.Report) []float64 {
	return []float64{r.PerSecond(), r.LatencyMs.P50, r.LatencyMs.P99}
}

// markdown writes the tables as docs/performance.md has them.
func (r *report) markdown(w io.Writer) {
	for _, g := range r.growths {
		fmt.Fprintf(w, "**%s**\n\n| %s |\n|%s\n", g.Title, strings.Join(g.Columns, " | "), strings.Repeat("---:|", len(g.Columns)))
		for _, p := range g.Points {
			fmt.Fprintf(w, "| %s |", p.Name)
			for _, v := range p.values() {
				fmt.Fprintf(w, " %s |", number(v))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "\n%s\n\n", g.Note)
	}
}
