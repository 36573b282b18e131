// The Service Bus namespace with the queue, and who may do what with it. The
// queue is set as azurite/servicebus-config.json sets the one of the tests,
// except that messages may live for longer than an hour.
param name string
param location string
param tags object
param workspaceId string
param acceptorIdentityName string
param workerIdentityName string
param scalerIdentityName string

@allowed(['Standard', 'Premium'])
param sku string

@description('Premium only: messaging units.')
param messagingUnits int

@description('Premium only.')
param zoneRedundant bool
param publicNetworkAccess bool

@description('Days after which the services forget a job.')
param retentionDays int

var roles = {
  sender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  receiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  owner: '090c5cfd-751d-490a-894a-3ce6f1109419'
}

resource acceptor 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: acceptorIdentityName
}

resource worker 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: workerIdentityName
}

resource scaler 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: scalerIdentityName
}

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: sku == 'Premium'
    ? {
        name: 'Premium'
        tier: 'Premium'
        capacity: messagingUnits
      }
    : {
        name: 'Standard'
        tier: 'Standard'
      }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    zoneRedundant: sku == 'Premium' && zoneRedundant
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'jobs'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    requiresSession: false
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT5M'
    deadLetteringOnMessageExpiration: true
    defaultMessageTimeToLive: 'P${retentionDays}D' // the most that an operation's queueTimeout can be
    maxSizeInMegabytes: sku == 'Premium' ? 81920 : 5120
  }
}

resource acceptorSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, acceptor.id, roles.sender)
  scope: queue
  properties: {
    principalId: acceptor.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.sender)
  }
}

resource workerReceives 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, worker.id, roles.receiver)
  scope: queue
  properties: {
    principalId: worker.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.receiver)
  }
}

resource workerSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, worker.id, roles.sender)
  scope: queue
  properties: {
    principalId: worker.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.sender)
  }
}

// Reading a queue's counts asks for the right to manage it.
resource scalerCounts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, scaler.id, roles.owner)
  scope: queue
  properties: {
    principalId: scaler.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.owner)
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output id string = namespace.id
output name string = namespace.name
output host string = split(split(namespace.properties.serviceBusEndpoint, '/')[2], ':')[0]
output queueName string = queue.name
