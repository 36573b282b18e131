// The registry that holds the image. It has no admin user and gives nothing to
// anonymous callers; what it holds is code, not data, so it stays reachable
// where images are built.
param name string
param location string
param tags object
param platformIdentityName string

var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'

resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: platformIdentityName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Basic'
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

resource platformPulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, platform.id, acrPull)
  scope: registry
  properties: {
    principalId: platform.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

output name string = registry.name
output server string = registry.properties.loginServer
