// Rotates the key that signs ids, in three steps, so that at no time one
// service signs with a key that another does not know yet:
//
//   announce  the new key verifies, and signs nothing
//   promote   the new key signs, the old one verifies
//   retire    the old keys go; once all ids they signed are past retention
//
// Between two steps, wait until every replica has read the ring again. The keys
// never leave Azure: Resource Manager reads and writes the secret. See
// docs/deployment.md, "Rotating the ticket keys".
targetScope = 'resourceGroup'

@description('Name of the key vault, the output AZURE_KEY_VAULT_NAME.')
param vaultName string

@allowed(['announce', 'promote', 'retire'])
param step string

@secure()
@description('For announce, the new key: 32 random bytes or more in base64.')
param newKey string = ''

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

module rotation 'modules/ticket-keys-rotation.bicep' = {
  name: 'ticket-keys-${step}'
  params: {
    vaultName: vaultName
    step: step
    ring: vault.getSecret('ticket-keys')
    newKey: newKey
  }
}
