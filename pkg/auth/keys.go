package auth

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// freshFor is how long keys stand before the issuer is asked again. A key
	// that the issuer withdraws is good for no longer than that.
	freshFor = time.Hour
	// keepFor is how long keys stand that the issuer cannot be asked about.
	// Tokens hardly live that long.
	keepFor = 24 * time.Hour
	// pause is the least time between two requests for keys, which anybody can
	// bring about by a token that names a key that there is not.
	pause = 5 * time.Second
	// fetchTimeout bounds a request for keys: callers wait for it.
	fetchTimeout = 5 * time.Second
)

var (
	errUnknownKey  = errors.New("the issuer has no such key")
	errUnavailable = errors.New("the issuer's keys cannot be had")
)

// keyCache holds the issuer's keys. Callers that wait for keys share one
// request.
type keyCache struct {
	fetch  func(context.Context) (map[string]*rsa.PublicKey, error)
	life   context.Context // ends requests
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey // by their ids
	fetched time.Time                 // when keys were asked for
	tried   time.Time                 // when the last request ended
	err     error                     // of the last request
}

// find gives the key of that id. Its error is [errUnknownKey] where there is
// none, [errUnavailable] where that is not known, or that of ctx.
func (k *keyCache) find(ctx context.Context, id string) (*rsa.PublicKey, error) {
	key, due := k.look(id)
	if key != nil && due {
		k.flight.DoChan("", k.refresh) // for those to come
	}
	if key != nil {
		return key, nil
	}
	if due {
		if err := k.wait(ctx); err != nil {
			return nil, err
		}
		key, _ = k.look(id)
	}
	if key == nil {
		return nil, k.why()
	}
	return key, nil
}

// ready gives nil if the keys are known.
func (k *keyCache) ready(ctx context.Context) error {
	if k.usable() {
		return nil
	}
	if err := k.wait(ctx); err != nil {
		return err
	}
	if !k.usable() {
		return k.why()
	}
	return nil
}

// look gives the key, nil if there is none that can be trusted, and whether
// the issuer is to be asked.
func (k *keyCache) look(id string) (key *rsa.PublicKey, due bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.fetched)
	if age < keepFor {
		key = k.keys[id]
	}
	return key, (key == nil || age >= freshFor) && k.mayTry()
}

func (k *keyCache) mayTry() bool { return k.now().Sub(k.tried) >= pause }

func (k *keyCache) usable() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys) > 0 && k.now().Sub(k.fetched) < keepFor
}

// why says why there is no key.
func (k *keyCache) why() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, k.err)
	}
	return errUnknownKey
}

// wait waits for the answer to a request for keys.
func (k *keyCache) wait(ctx context.Context) error {
	select {
	case <-k.flight.DoChan("", k.refresh):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh asks for the keys unless that was done a moment ago.
func (k *keyCache) refresh() (any, error) {
	k.mu.Lock()
	may, asked := k.mayTry(), k.now()
	k.mu.Unlock()
	if !may {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(k.life, fetchTimeout)
	defer cancel()
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report(err)
	k.tried, k.err = k.now(), err
	if err == nil {
		k.keys, k.fetched = keys, asked
	}
	return nil, nil
}

// report logs that the issuer fails, once, and that it answers again.
func (k *keyCache) report(err error) {
	switch {
	case k.life.Err() != nil:
	case err != nil && k.err == nil:
		k.log.Warn("the issuer's keys cannot be had", "error", err)
	case err == nil && k.err != nil:
		k.log.Info("the issuer answers again")
	}
}
