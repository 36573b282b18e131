// What must be there before the services can be: identities, the registry with
// the image, the key vault with the ticket keys, and the log workspace.
// main.bicep contains it; by itself it is deployed before the image is built.
targetScope = 'subscription'

@minLength(2)
@maxLength(20)
@description('Names the deployment; its resources lie in the group rg-NAME.')
param environmentName string

@description('The Azure region of all resources.')
param location string

@secure()
@description('The ticket keys to store, base64 of 32 random bytes or more, separated by commas; empty leaves the stored ones as they are. Needed once.')
param ticketKeys string = ''

@description('Whether the key vault can be reached from private networks only.')
param privateNetwork bool = false

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 30

@description('Address that alerts are sent to; empty: alerts show in the portal only.')
param alertEmail string = ''

var token = uniqueString(subscription().id, environmentName, location)
var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'modules/identity.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    logRetentionDays: logRetentionDays
    alertEmail: alertEmail
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    name: 'cr${token}'
    location: location
    tags: tags
    platformIdentityName: identities.outputs.platformName
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    platformIdentityName: identities.outputs.platformName
    workspaceId: monitoring.outputs.workspaceId
    publicNetworkAccess: !privateNetwork
    ticketKeys: ticketKeys
  }
}

output groupName string = group.name
output acceptorIdentityName string = identities.outputs.acceptorName
output statusIdentityName string = identities.outputs.statusName
output workerIdentityName string = identities.outputs.workerName
output scalerIdentityName string = identities.outputs.scalerName
output platformIdentityName string = identities.outputs.platformName
output workspaceId string = monitoring.outputs.workspaceId
output actionGroupId string = monitoring.outputs.actionGroupId
output registryName string = registry.outputs.name
output registryServer string = registry.outputs.server
output vaultId string = vault.outputs.id
output vaultName string = vault.outputs.name
output vaultUri string = vault.outputs.uri
