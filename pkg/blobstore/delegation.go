package blobstore

import (
	"context"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"golang.org/x/sync/singleflight"
)

const (
	// keyLifetime is how long a user delegation key is asked for, or longer if
	// URLs live longer. Azure gives at most 7 days.
	keyLifetime = 24 * time.Hour
	// keyReserve is how long before a key gets too short for a whole URL
	// lifetime it is renewed, so that there is time for failures.
	keyReserve = time.Hour
	// keyRetry is how long a failed renewal is not tried again while the old
	// key is good.
	keyRetry = 30 * time.Second
	// keyTimeout bounds a request for a key: callers wait for it.
	keyTimeout = 10 * time.Second
)

// delegation signs by a user delegation key, which it gets when it is first
// needed and renews before it ends. Callers that wait for a key share one
// request.
type delegation struct {
	client *service.Client
	needed time.Duration // what must be left of a key for signing by it
	now    func() time.Time
	flight singleflight.Group

	mu      sync.Mutex
	key     *service.UserDelegationCredential
	expires time.Time
	retryAt time.Time
}

func newDelegation(client *azblob.Client, needed time.Duration, now func() time.Time) *delegation {
	return &delegation{client: client.ServiceClient(), needed: needed, now: now}
}

func (d *delegation) sign(ctx context.Context, values sas.BlobSignatureValues) (sas.QueryParameters, error) {
	key, err := d.current(ctx)
	if err != nil {
		return sas.QueryParameters{}, err
	}
	return values.SignWithUserDelegation(key)
}

// current gives a key that outlives a URL signed now.
func (d *delegation) current(ctx context.Context) (*service.UserDelegationCredential, error) {
	key, fresh := d.cached()
	if fresh {
		return key, nil
	}
	renewed, err := d.renew(ctx)
	if err != nil && key != nil {
		return key, nil
	}
	return renewed, err
}

// cached gives the key at hand, nil if it is too short, and whether it need not
// be renewed now.
func (d *delegation) cached() (key *service.UserDelegationCredential, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	left := d.expires.Sub(now)
	if d.key == nil || left < d.needed {
		return nil, false
	}
	return d.key, left >= d.needed+keyReserve || now.Before(d.retryAt)
}

// renew gets a new key. One caller's end does not end the request that others
// wait for.
func (d *delegation) renew(ctx context.Context) (*service.UserDelegationCredential, error) {
	done := d.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
		defer cancel()
		return d.request(ctx)
	})
	select {
	case result := <-done:
		key, _ := result.Val.(*service.UserDelegationCredential)
		return key, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *delegation) request(ctx context.Context) (*service.UserDelegationCredential, error) {
	now := d.now().UTC()
	start := now.Add(-clockSkew).Format(sas.TimeFormat)
	expires := now.Add(max(keyLifetime, d.needed+2*keyReserve)).Truncate(time.Second)
	expiry := expires.Format(sas.TimeFormat)
	key, err := d.client.GetUserDelegationCredential(ctx, service.KeyInfo{Start: &start, Expiry: &expiry}, nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.retryAt = now.Add(keyRetry)
		return nil, err
	}
	d.key, d.expires = key, expires
	return key, nil
}
