package localazuretest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Credential signs in at an Azurite that was started with HTTPS. Its tokens have no signature, which Azurite does not
// look at; nothing else accepts them.
type Credential struct{}

var _ azcore.TokenCredential = Credential{}

// GetToken returns a token for Azure Storage that is valid for an hour.
func (Credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	now := time.Now()
	expires := now.Add(time.Hour)
	claims, err := json.Marshal(map[string]any{
		"aud": "https://storage.azure.com",
		"iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
		"iat": now.Add(-time.Minute).Unix(),
		"nbf": now.Add(-time.Minute).Unix(),
		"exp": expires.Unix(),
		"oid": "00000000-0000-0000-0000-000000000001",
		"tid": "00000000-0000-0000-0000-000000000000",
	})
	if err != nil {
		return azcore.AccessToken{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(claims) + "."
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, nil
}
