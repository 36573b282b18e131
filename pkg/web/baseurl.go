package web

import (
	"fmt"
	"net/url"
	"strings"
)

// ParseBaseURL checks the public URL of a service, which the links in answers
// begin with, and gives it without a slash at its end. The services that link
// to each other read it by this, so that their links are the same.
func ParseBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		strings.ContainsAny(u.Host, `"<>`) {
		return "", fmt.Errorf("%q is not an absolute http or https URL without user, query and fragment", text)
	}
	return strings.TrimRight(u.String(), "/"), nil
}
