// The key vault with the ticket keys. Nobody needs access to its contents: the
// platform hands the keys to the containers, and templates write them.
param name string
param location string
param tags object
param platformIdentityName string
param workspaceId string
param publicNetworkAccess bool

@secure()
@description('The key ring to store; empty leaves the stored one as it is.')
param ticketKeys string

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: platformIdentityName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    enabledForTemplateDeployment: true // rotation reads the ring
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices' // Resource Manager, for rotation
      defaultAction: publicNetworkAccess ? 'Allow' : 'Deny'
    }
  }
}

module ring 'ticket-keys.bicep' = if (!empty(ticketKeys)) {
  name: 'ticket-keys'
  params: {
    vaultName: vault.name
    ring: ticketKeys
  }
}

resource platformReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, platform.id, secretsUser)
  scope: vault
  properties: {
    principalId: platform.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
