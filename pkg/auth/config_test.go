package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/auth"
	"github.com/asyncreply/asyncreply/pkg/auth/authtest"
)

const issuer = "https://login.microsoftonline.com/" + authtest.Tenant + "/v2.0"

// TestCheck keeps the promise that a configuration that would let in nobody,
// or more than was meant, is one line that names the setting.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		mode     auth.Mode
		issuer   string
		audience string
		want     string
	}{
		{auth.ModeNone, "", "", ""},
		{auth.ModeEntra, issuer, "api", ""},
		{auth.ModeEntra, "https://sts.windows.net/" + authtest.Tenant + "/", "api://asyncreply https://asyncreply.example", ""},
		{auth.ModeEntra, "http://127.0.0.1:8080/" + authtest.Tenant + "/v2.0", "api", ""},
		{auth.ModeNone, issuer, "", "AUTH_MODE is not entra, but AUTH_ISSUER or AUTH_AUDIENCE is set"},
		{auth.ModeNone, "", "api", "AUTH_MODE is not entra, but AUTH_ISSUER or AUTH_AUDIENCE is set"},
		{auth.ModeEntra, "", "api", "AUTH_ISSUER is missing"},
		{auth.ModeEntra, issuer, "", "AUTH_AUDIENCE is missing"},
		{auth.ModeEntra, "", "", "AUTH_ISSUER is missing\nAUTH_AUDIENCE is missing"},
		{auth.ModeEntra, issuer, "a\"b", "AUTH_AUDIENCE: \"a\\\"b\" is not a name"},
		{auth.ModeEntra, "https://login.microsoftonline.com/common/v2.0", "api", "AUTH_ISSUER has no tenant id in its path: "},
		{auth.ModeEntra, "http://login.microsoftonline.com/" + authtest.Tenant + "/v2.0", "api", "AUTH_ISSUER is not an https URL"},
		{auth.ModeEntra, "login.microsoftonline.com/" + authtest.Tenant, "api", "AUTH_ISSUER is not an https URL"},
		{auth.ModeEntra, issuer + "?p=b2c", "api", "AUTH_ISSUER is not an https URL"},
		{auth.ModeEntra, "https://%", "api", "AUTH_ISSUER is not an https URL"},
	} {
		config := auth.Config{Mode: test.mode, Issuer: test.issuer, Audience: strings.Fields(test.audience)}
		err := config.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%+v: %v, want %s", config, err, test.want)
		}
		a, err := config.Open(nil)
		if (err == nil) != (test.want == "") || (a == nil) != (test.want != "" || test.mode == auth.ModeNone) {
			t.Errorf("%+v: Open = %v, %v", config, a, err)
		}
		a.Close()
	}
}

// TestMode keeps the promise that a mode that is misspelt is no mode.
func TestMode(t *testing.T) {
	for text, good := range map[string]bool{"none": true, "entra": true, "": false, "Entra": false, "off": false} {
		var mode auth.Mode
		if err := mode.UnmarshalText([]byte(text)); (err == nil) != good || good && string(mode) != text {
			t.Errorf("%q: %q, %v", text, mode, err)
		}
	}
}

// TestModeNone keeps the promise that without authentication the services get
// no Owner, and readiness takes nothing.
func TestModeNone(t *testing.T) {
	a, err := (&auth.Config{Mode: auth.ModeNone}).Open(nil)
	if err != nil || a.Owner(roles) != nil || a.Checks() != nil {
		t.Errorf("Open = %v, %v", a, err)
	}
	a.Close()
}

// TestNames keeps the promise that names that no token has are told.
func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"Jobs.Submit": true, "api://x/Jobs.Read": true, "": false, " Jobs.Read": false, "Jobs Read": false, "Jöbs": false, `a\b`: false,
	} {
		if err := auth.CheckNames([]string{"fine", name}); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestOddIssuers keeps the promise that keys are taken from nobody who does
// not answer as the issuer, and that the log says what was wrong.
func TestOddIssuers(t *testing.T) {
	for name, test := range map[string]struct{ discovery, keys, want string }{
		"another issuer":     {`{"issuer":"https://login.example","jwks_uri":"URL/keys"}`, "", "did not match"},
		"no discovery":       {"", "", "404"},
		"a page":             {"<html>", "", "decode"},
		"no key set":         {`{"issuer":"ISSUER"}`, "", "is not an https URL"},
		"a key set by http":  {`{"issuer":"ISSUER","jwks_uri":"http://login.example/keys"}`, "", "is not an https URL"},
		"a key set gone":     {`{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, "", "404"},
		"a key set in HTML":  {`{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, "<html>", "invalid character"},
		"no keys":            {`{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[]}`, "no RSA key"},
		"keys of other uses": {`{"issuer":"ISSUER","jwks_uri":"URL/keys"}`, `{"keys":[{"kty":"oct","kid":"1","k":"AA"},{"kty":"RSA","kid":"2","use":"enc","n":"AQAB","e":"AQAB"},{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, "no RSA key"},
	} {
		t.Run(name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text := test.discovery
				if r.URL.Path == "/keys" {
					text = test.keys
				}
				if text == "" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(strings.NewReplacer("ISSUER", server.URL+"/"+authtest.Tenant, "URL", server.URL).Replace(text)))
			}))
			defer server.Close()
			config := auth.Config{Mode: auth.ModeEntra, Issuer: server.URL + "/" + authtest.Tenant, Audience: []string{"api"}}
			s := newService(t, config, nil)
			if err := s.ready(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ready = %v, want %s", err, test.want)
			}
			if s.log.count(test.want) == 0 {
				t.Errorf("the log does not say %s", test.want)
			}
		})
	}
}
