package blobstore

import (
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

const (
	// anyOrigin is needed where pages of other origins than the status
	// service's follow its redirect: their browser hides where they come from
	// (Origin: null), and no rule can name that.
	anyOrigin = "*"

	// exposedHeaders are what pages may read beside what the Fetch standard
	// lets them read anyway.
	exposedHeaders = "Accept-Ranges,Content-Disposition,Content-Length,Content-Range,ETag,x-ms-error-code,x-ms-request-id"

	defaultCORSMaxAge = time.Hour
)

// CORSOptions say which pages may read blobs. The zero value lets all.
type CORSOptions struct {
	AllowedOrigins []string      // such as https://app.example; none: all
	MaxAge         time.Duration // of a preflight's answer, 1 h if zero
}

// AllowPages lets pages of other origins read blobs for which they have a
// signed URL. The rule replaces those that the account has, and holds for all
// its containers; it opens nothing to those without a signed URL. The client's
// credentials must be allowed to change the account's blob service.
func AllowPages(ctx context.Context, client *azblob.Client, opts *CORSOptions) error {
	if opts == nil {
		opts = &CORSOptions{}
	}
	origins, age := anyOrigin, defaultCORSMaxAge
	if len(opts.AllowedOrigins) > 0 {
		origins = strings.Join(opts.AllowedOrigins, ",")
	}
	if opts.MaxAge > 0 {
		age = opts.MaxAge
	}
	_, err := client.ServiceClient().SetProperties(ctx, &service.SetPropertiesOptions{CORS: []*service.CORSRule{{
		AllowedOrigins:  &origins,
		AllowedMethods:  to.Ptr("GET,HEAD"),
		AllowedHeaders:  to.Ptr("*"), // a redirect takes along what the page sent, If-None-Match for instance
		ExposedHeaders:  to.Ptr(exposedHeaders),
		MaxAgeInSeconds: to.Ptr(int32(age.Seconds())),
	}}})
	return translate(ctx, "set the CORS rules", err)
}
