package auth_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
)

// TestOwner keeps the promise that a good token's tenant and object are the
// owner, however it names audience, client and permissions.
func TestOwner(t *testing.T) {
	i := authtest.NewIssuer(t)
	s := newService(t, configOf(i), nil)
	good := i.Claims("Jobs.Read")
	for name, claims := range map[string]authtest.Claims{
		"a service with a role":         good,
		"the second of two roles":       good.With("roles", []string{"Other", "Jobs.Admin"}),
		"a user by a scope":             good.With("roles", nil).With("scp", "openid Jobs.Read"),
		"one of several audiences":      good.With("aud", []string{"other", authtest.Audience}),
		"version 1.0":                   good.With("azp", nil).With("appid", authtest.Client).With("aud", "api://asyncreply").With("ver", "1.0"),
		"upper case":                    good.With("oid", strings.ToUpper(authtest.Object)).With("tid", strings.ToUpper(authtest.Tenant)),
		"no time before which it isn't": good.With("nbf", nil),
		"a clock that is ahead":         good.With("nbf", time.Now().Add(4*time.Minute).Unix()),
		"more groups than fit": good.With("_claim_names", map[string]string{"groups": "src1"}).
			With("_claim_sources", map[string]any{"src1": map[string]string{"endpoint": "https://graph.example/groups"}}),
	} {
		if got := s.get(i.Sign(t, claims)); got.status != http.StatusOK || got.text != authtest.Tenant+"/"+authtest.Object {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	header := http.Header{"Authorization": {"bEARER  " + i.Token(t, "Jobs.Read")}}
	if got := s.call(http.MethodGet, header); got.status != http.StatusOK {
		t.Errorf("the scheme in other letters: %d %s", got.status, got.text)
	}
}

// refusal is a token and what is said against it.
type refusal struct {
	name, token, detail string
}

const (
	notOurs  = "The access token is not one of this service's issuer."
	notValid = "The access token is not valid."
)

// badClaims gives tokens that the issuer signed.
func badClaims(t *testing.T, i *authtest.Issuer) []refusal {
	good := i.Claims("Jobs.Read")
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	other := "99999999-9999-4999-8999-999999999999"
	var all []refusal
	for _, bad := range []struct {
		name   string
		claims authtest.Claims
		detail string
	}{
		{"wrong audience", good.With("aud", "another-api"), "The access token is for another audience."},
		{"no audience", good.With("aud", nil), "The access token is for another audience."},
		{"wrong issuer", good.With("iss", "https://login.example/"+authtest.Tenant+"/v2.0"), notValid},
		{"issuer but for a slash", good.With("iss", i.URL()+"/"), notValid},
		{"no issuer", good.With("iss", nil), notValid},
		{"another tenant's issuer", good.With("tid", other).With("iss", strings.Replace(i.URL(), authtest.Tenant, other, 1)), notValid},
		{"another tenant", good.With("tid", other), "The access token is of another tenant."},
		{"no tenant", good.With("tid", nil), "The access token is of another tenant."},
		{"no object", good.With("oid", nil), "The access token does not say whom it is about."},
		{"an object that is no GUID", good.With("oid", "me"), "The access token does not say whom it is about."},
		{"expired", good.With("exp", at(-time.Second)), "The access token expired."},
		{"never expires", good.With("exp", nil), "The access token expired."},
		{"not yet valid", good.With("nbf", at(6*time.Minute)), notValid},
		{"an ID token", good.With("azp", nil), "The token is not an access token."},
		{"roles that are no list", good.With("roles", "Jobs.Read"), "The access token has malformed claims."},
		{"claims of no kind", good.With("exp", "soon"), notValid},
	} {
		all = append(all, refusal{bad.name, i.Sign(t, bad.claims), bad.detail})
	}
	return all
}

// forgeries gives tokens that the issuer did not sign.
func forgeries(t *testing.T, i *authtest.Issuer) []refusal {
	good, key, own := i.Claims("Jobs.Read"), i.Key(), authtest.NewKey(t)
	header := func(name string, value any) map[string]any {
		all := map[string]any{"typ": "JWT", "alg": "RS256", "kid": key.ID}
		all[name] = value
		return all
	}
	genuine := i.Sign(t, good)
	parts := strings.Split(genuine, ".")
	escalated := strings.Split(i.Sign(t, good.With("oid", authtest.Client)), ".")
	none := authtest.Unsigned(t, header("alg", "none"), good)
	embedded := own.SignAs(t, map[string]any{"alg": "RS256", "kid": own.ID, "jwk": map[string]string{
		"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(own.Private.N.Bytes()), "e": "AQAB",
	}}, good)
	return []refusal{
		{"alg none", none + ".", notOurs},
		{"alg None with a signature", key.SignAs(t, header("alg", "None"), good), notOurs},
		{"HS256 with the public key", hs256(t, key, good), notOurs},
		{"RS512, which nobody asked for", key.SignAs(t, header("alg", "RS512"), good), notOurs},
		{"another key by the same name", own.SignAs(t, header("kid", key.ID), good), notValid},
		{"a key that nobody published", own.Sign(t, good), notOurs},
		{"a key that the token brings along", embedded, notOurs},
		{"a key found at the token's word", own.SignAs(t, header("jku", "https://evil.example/keys"), good), notValid},
		{"no key named", key.SignAs(t, map[string]any{"alg": "RS256"}, good), notOurs},
		{"an extension that is not understood", key.SignAs(t, header("crit", []string{"x"}), good), notValid},
		{"another payload", parts[0] + "." + escalated[1] + "." + parts[2], notValid},
		{"no signature", parts[0] + "." + parts[1] + ".", notValid},
		{"two parts", parts[0] + "." + parts[1], notOurs},
		{"not a token", "undefined", notOurs},
		{"not even base64", "a.b.c", notOurs},
	}
}

// hs256 signs with what everybody knows, the issuer's public key.
func hs256(t *testing.T, key *authtest.Key, claims authtest.Claims) string {
	der, err := x509.MarshalPKIXPublicKey(&key.Private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	signed := authtest.Unsigned(t, map[string]any{"alg": "HS256", "kid": key.ID}, claims)
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestRefused keeps the promise that any other token is a 401 that says why
// in the words of RFC 6750, and is not repeated in a log or an answer.
func TestRefused(t *testing.T) {
	i := authtest.NewIssuer(t)
	s := newService(t, configOf(i), nil)
	for _, bad := range append(badClaims(t, i), forgeries(t, i)...) {
		got := s.get(bad.token)
		want := `Bearer realm="asyncreply", error="invalid_token", error_description="` + bad.detail + `"`
		if got.status != http.StatusUnauthorized || got.code != "Unauthorized" || got.challenge != want {
			t.Errorf("%s: %d %s\n%s, want\n%s", bad.name, got.status, got.text, got.challenge, want)
		}
		if strings.Contains(got.text, bad.token) || len(bad.token) > 20 && s.log.count(bad.token) > 0 {
			t.Errorf("%s: the token is in the answer or the log", bad.name)
		}
	}
	if fetches := i.Fetches(); fetches > 2 {
		t.Errorf("bad tokens made %d requests to the issuer", fetches)
	}
	if got := s.get(i.Token(t, "Jobs.Read")); got.status != http.StatusOK {
		t.Errorf("a good token after all that: %d %s", got.status, got.text)
	}
}

// TestNoToken keeps the promise that a caller without a token learns that one
// is needed, and one with a malformed header what is wrong with it.
func TestNoToken(t *testing.T) {
	i := authtest.NewIssuer(t)
	s := newService(t, configOf(i), nil)
	good := "Bearer " + i.Token(t, "Jobs.Read")
	for name, test := range map[string]struct {
		values []string
		status int
		failed string
	}{
		"no header":      {nil, 401, ""},
		"another scheme": {[]string{"Basic dXNlcjpwYXNz"}, 401, ""},
		"empty":          {[]string{""}, 401, ""},
		"no token":       {[]string{"Bearer"}, 400, "invalid_request"},
		"blanks":         {[]string{"Bearer   "}, 400, "invalid_request"},
		"two tokens":     {[]string{good + " x"}, 400, "invalid_request"},
		"two headers":    {[]string{good, good}, 400, "invalid_request"},
		"a list":         {[]string{good + "," + good}, 400, "invalid_request"},
		"JWS as JSON":    {[]string{"Bearer " + flat(i.Token(t, "Jobs.Read"))}, 400, "invalid_request"},
	} {
		got := s.call(http.MethodGet, http.Header{"Authorization": test.values})
		if got.status != test.status || !strings.HasPrefix(got.challenge, `Bearer realm="asyncreply"`) {
			t.Errorf("%s: %d %s, %s", name, got.status, got.text, got.challenge)
		}
		if failed := strings.Contains(got.challenge, "error="); failed != (test.failed != "") || !strings.Contains(got.challenge, test.failed) {
			t.Errorf("%s: %s", name, got.challenge)
		}
	}
	if fetches := i.Fetches(); fetches > 0 {
		t.Errorf("the issuer was asked %d times about nothing", fetches)
	}
}

// flat gives a token in the JSON Serialization (RFC 7515, section 7.2.2).
func flat(token string) string {
	parts := strings.Split(token, ".")
	return `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
}

// TestRoleMissing keeps the promise that what a token is good for decides
// what its bearer may do, and that the answer says what it would take.
func TestRoleMissing(t *testing.T) {
	i := authtest.NewIssuer(t)
	s := newService(t, configOf(i), nil)
	for _, test := range []struct {
		method string
		claims authtest.Claims
		status int
		scope  string
	}{
		{http.MethodGet, i.Claims("Jobs.Read"), 200, ""},
		{http.MethodDelete, i.Claims("Jobs.Read"), 403, "Jobs.Cancel"},
		{http.MethodDelete, i.Claims("Jobs.Read", "Jobs.Cancel"), 200, ""},
		{http.MethodGet, i.Claims(), 403, "Jobs.Read Jobs.Admin"},
		{http.MethodGet, i.Claims().With("roles", nil), 403, "Jobs.Read Jobs.Admin"},
		{http.MethodGet, i.Claims("jobs.read", "Jobs.ReadX", "Jobs", ""), 403, "Jobs.Read Jobs.Admin"},
		{http.MethodGet, i.Claims().With("scp", "Jobs.ReadX"), 403, "Jobs.Read Jobs.Admin"},
	} {
		got := s.call(test.method, http.Header{"Authorization": {"Bearer " + i.Sign(t, test.claims)}})
		if got.status != test.status {
			t.Errorf("%s with %v: %d %s", test.method, test.claims["roles"], got.status, got.text)
		}
		if test.scope == "" {
			continue
		}
		wants := []string{`error="insufficient_scope"`, `scope="` + test.scope + `"`}
		for _, want := range wants {
			if got.code != "Forbidden" || !strings.Contains(got.challenge, want) {
				t.Errorf("%s with %v: %s %s, want %s", test.method, test.claims["roles"], got.code, got.challenge, want)
			}
		}
	}
}

// TestKnownToken keeps the promise that a token that was good once is refused
// as soon as it has expired, and gives no one rights that it has not.
func TestKnownToken(t *testing.T) {
	i, c := authtest.NewIssuer(t), &clock{}
	s := newService(t, configOf(i), c.now)
	token := i.Token(t, "Jobs.Read")
	for range 2 {
		s.expect("at first", token, http.StatusOK)
	}
	if got := s.call(http.MethodDelete, http.Header{"Authorization": {"Bearer " + token}}); got.status != http.StatusForbidden {
		t.Errorf("a known token without the role: %d %s", got.status, got.text)
	}
	forged := token[:len(token)-8] + "AAAAAAAA"
	s.expect("with another signature", forged, http.StatusUnauthorized)
	c.forward(61 * time.Minute)
	s.expect("after its time", token, http.StatusUnauthorized)
}

// TestHugeTokens keeps the promise that what is no token costs no more than
// its header.
func TestHugeTokens(t *testing.T) {
	i := authtest.NewIssuer(t)
	s := newService(t, configOf(i), nil)
	for _, token := range []string{strings.Repeat("a", 60<<10), strings.Repeat(".", 60<<10), strings.Repeat(rand.Text()+".", 2)} {
		if got := s.get(token); got.status != http.StatusUnauthorized {
			t.Errorf("%.20s…: %d %s", token, got.status, got.text)
		}
	}
}
