package blobstore

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/asyncreply/asyncreply/pkg/job"
)

const (
	defaultLifetime = 10 * time.Minute
	// clockSkew is how far a signed URL's start lies back, so that it is valid
	// at once for a service whose clock is behind.
	clockSkew = 15 * time.Minute
)

// SignerOptions configure a [Signer]. The zero value is usable.
type SignerOptions struct {
	// Container is the container whose blobs are signed for,
	// [DefaultResultContainer] if empty.
	Container string
	// Lifetime is how long a URL is valid from when it was signed, 10 minutes if
	// zero. A URL is handed out again for a twentieth of that.
	Lifetime time.Duration
	// Now gives the time, [time.Now] if nil.
	Now func() time.Time
}

// SignOptions say how a signed URL presents the blob: as content of which type,
// and saved under which name. Without a name it is shown.
type SignOptions = job.BlobProperties

// Signer makes valet keys: URLs that let their bearer read one blob for a
// short time. It is safe for concurrent use.
type Signer struct {
	container string
	baseURL   string
	protocol  sas.Protocol
	lifetime  time.Duration
	now       func() time.Time
	signed    *signedURLs
	sign      func(ctx context.Context, values sas.BlobSignatureValues) (sas.QueryParameters, error)
}

// NewSigner makes a signer for blobs of the account of client. With key, URLs
// are signed by the account's shared key, without any request. With a nil key
// they are signed by a user delegation key, which takes one request a day and
// needs a client with Entra credentials whose role may generate such keys
// (Storage Blob Delegator).
func NewSigner(client *azblob.Client, key *azblob.SharedKeyCredential, opts *SignerOptions) *Signer {
	if opts == nil {
		opts = &SignerOptions{}
	}
	s := &Signer{
		container: cmp.Or(opts.Container, DefaultResultContainer),
		protocol:  sas.ProtocolHTTPS,
		lifetime:  cmp.Or(opts.Lifetime, defaultLifetime),
		now:       opts.Now,
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.signed = newSignedURLs(s.lifetime)
	s.baseURL = client.ServiceClient().NewContainerClient(s.container).URL()
	if strings.HasPrefix(s.baseURL, "http://") {
		s.protocol = sas.ProtocolHTTPSandHTTP
	}
	if key != nil {
		s.sign = func(_ context.Context, values sas.BlobSignatureValues) (sas.QueryParameters, error) {
			return values.SignWithSharedKey(key)
		}
	} else {
		s.sign = newDelegation(client, s.lifetime, s.now).sign
	}
	return s
}

// URL gives a URL that reads the blob until expires and can do nothing else. It
// does not look whether there is such a blob. It gives [job.ErrBusy] when no
// user delegation key can be had.
func (s *Signer) URL(ctx context.Context, name string, opts SignOptions) (url string, expires time.Time, err error) {
	now, of := s.now().UTC().Truncate(time.Second), signature{name: name, options: opts}
	kept, ok := s.signed.get(of, now)
	if !ok {
		if kept, err = s.signAt(ctx, of, now); err != nil {
			return "", time.Time{}, translate(ctx, "sign blob "+name, err)
		}
		s.signed.put(of, kept)
	}
	return kept.url, kept.expires, nil
}

func (s *Signer) signAt(ctx context.Context, of signature, now time.Time) (signedURL, error) {
	expires := now.Add(s.lifetime)
	query, err := s.sign(ctx, sas.BlobSignatureValues{
		Protocol:           s.protocol,
		StartTime:          now.Add(-clockSkew),
		ExpiryTime:         expires,
		Permissions:        (&sas.BlobPermissions{Read: true}).String(),
		ContainerName:      s.container,
		BlobName:           of.name,
		ContentType:        safeContentType(of.options.ContentType),
		ContentDisposition: contentDisposition(of.options.FileName),
	})
	if err != nil {
		return signedURL{}, err
	}
	return signedURL{url: s.baseURL + "/" + escapePath(of.name) + "?" + query.Encode(), at: now, expires: expires}, nil
}
