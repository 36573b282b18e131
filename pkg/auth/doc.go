// Package auth lets in callers who show an access token of Microsoft Entra ID
// as a bearer token (RFC 6750), and says whose jobs are theirs.
//
// # What makes a token good
//
// It is a JWT signed by RS256 with a key that the issuer publishes, it names
// the issuer and one of the audiences that are configured, its time has come
// and is not over, and it is an access token of the issuer's tenant: it has
// the claims tid, oid and azp (appid in tokens of version 1.0). Sources:
// https://learn.microsoft.com/entra/identity-platform/access-tokens and
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
//
// The owner of a job is tid/oid: the tenant and the user, or the service
// principal, that the token is about. Both are GUIDs that are never given to
// anybody else.
//
// # What a caller may do
//
// An action asks for one of several names. A name is an app role in the claim
// roles, which users and services are assigned, or a delegated scope in the
// claim scp, which an application has for its users.
//
// # Answers
//
// No token and a bad token are a 401, a request with a malformed Authorization
// header a 400, a token without what the action asks for a 403. Each is a
// problem with a WWW-Authenticate header (RFC 6750, section 3). A token that
// cannot be judged, because the issuer's keys cannot be had, is a 503.
//
// # Keys
//
// The issuer is found by OpenID Connect Discovery when a key is first needed.
// Its keys are asked for anew every hour, and when a token names one that is
// not known, but not more often than every five seconds whatever tokens come.
// While the issuer is down the last keys stand for a day.
//
// A good token is remembered, so that its next request costs no signature
// check, until it expires or its key is asked for anew.
package auth
