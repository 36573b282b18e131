// The secret that holds the ticket keys: base64, separated by commas, the first
// of which signs (see pkg/job, KeyRing).
param vaultName string

@secure()
param ring string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'ticket-keys'
  properties: {
    value: ring
    contentType: 'text/plain'
  }
}
