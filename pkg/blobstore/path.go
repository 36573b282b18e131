package blobstore

import (
	"net/url"
	"strings"
)

// escapePath escapes a blob's name for a URL; its slashes stay.
func escapePath(name string) string {
	elements := strings.Split(name, "/")
	for i, element := range elements {
		elements[i] = url.PathEscape(element)
	}
	return strings.Join(elements, "/")
}
