package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asyncreply/asyncreply/cmd/bench/internal/system"
)

// profile begins to take CPU and allocation profiles of services for as long as
// a load lasts. It gives a function that waits for them. Without --profile it
// does nothing.
func (b *bench) profile(ctx context.Context, figure string, length time.Duration, services ...*system.Service) func() error {
	if b.profiles == "" {
		return func() error { return nil }
	}
	seconds := max(1, int(length.Seconds()))
	group, ctx := errgroup.WithContext(ctx)
	for _, service := range services {
		base := filepath.Join(b.profiles, service.Name+"-"+figure)
		if !slices.Contains(b.report.profiles, base+".pprof") {
			b.report.profiles = append(b.report.profiles, base+".pprof")
		}
		group.Go(func() error {
			return fetch(ctx, fmt.Sprintf("%sprofile?seconds=%d", service.Profiles, seconds), base+".pprof")
		})
		group.Go(func() error {
			return fetch(ctx, fmt.Sprintf("%sallocs?seconds=%d", service.Profiles, seconds), base+"-allocs.pprof")
		})
	}
	return group.Wait
}

// fetch writes what a URL gives to a file.
func fetch(ctx context.Context, url, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("profile: %s: %s: %s", url, response.Status, strings.TrimSpace(string(content)))
	}
	return os.WriteFile(path, content, 0o644)
}
