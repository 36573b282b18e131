// The storage account: payloads and results in blobs, records in tables, and
// who may do what with them.
param name string
param location string
param tags object
param workspaceId string
param acceptorIdentityName string
param statusIdentityName string
param workerIdentityName string

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param sku string
param publicNetworkAccess bool

@description('Days after which the services forget a job; blobs go a day later.')
param retentionDays int

var tablePrefix = 'jobs'
var roles = {
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  blobDelegator: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  tableReader: '76199698-9eea-4c19-bc75-cec21354c6b6'
}

resource acceptor 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: acceptorIdentityName
}

resource status 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: statusIdentityName
}

resource worker 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: workerIdentityName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices' // the lifecycle rule
      defaultAction: publicNetworkAccess ? 'Allow' : 'Deny'
    }
  }
}

// Soft delete is off: tables have none, so a blob that came back would belong
// to no record, and deleted results would be kept and paid for past retention.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: false
    }
    containerDeleteRetentionPolicy: {
      enabled: false
    }
    isVersioningEnabled: false
    // Pages that follow the status service's redirect to a result come with
    // Origin: null, unless they are its own. The rule opens nothing: reading a
    // blob takes a signed URL, and cookies play no part.
    cors: {
      corsRules: [
        {
          allowedOrigins: ['*']
          allowedMethods: ['GET', 'HEAD']
          allowedHeaders: ['*']
          exposedHeaders: [
            'Accept-Ranges'
            'Content-Disposition'
            'Content-Length'
            'Content-Range'
            'ETag'
            'x-ms-error-code'
            'x-ms-request-id'
          ]
          maxAgeInSeconds: 3600
        }
      ]
    }
  }
}

resource payloads 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'payloads'
  properties: {
    publicAccess: 'None'
  }
}

resource results 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'results'
  properties: {
    publicAccess: 'None'
  }
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' = {
  parent: account
  name: 'default'
}

// What Idempotency-Keys stand for. The records' tables, one a day, are made on
// first use.
resource keys 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' = {
  parent: tables
  name: '${tablePrefix}keys'
}

// How long requests waited and jobs took, which Retry-After goes by.
resource estimates 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' = {
  parent: tables
  name: '${tablePrefix}estimates'
}

// The worker drops expired days; this removes what it could not.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'retention'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${payloads.name}/', '${results.name}/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterCreationGreaterThan: retentionDays + 1
                }
              }
            }
          }
        }
      ]
    }
  }
}

resource acceptorWritesPayloads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(payloads.id, acceptor.id, roles.blobContributor)
  scope: payloads
  properties: {
    principalId: acceptor.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobContributor)
  }
}

resource acceptorKeepsKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(keys.id, acceptor.id, roles.tableContributor)
  scope: keys
  properties: {
    principalId: acceptor.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableContributor)
  }
}

resource acceptorReadsEstimates 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(estimates.id, acceptor.id, roles.tableReader)
  scope: estimates
  properties: {
    principalId: acceptor.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableReader)
  }
}

resource workerReadsPayloads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(payloads.id, worker.id, roles.blobContributor)
  scope: payloads
  properties: {
    principalId: worker.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobContributor)
  }
}

resource workerWritesResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, worker.id, roles.blobContributor)
  scope: results
  properties: {
    principalId: worker.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobContributor)
  }
}

resource statusReadsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, status.id, roles.blobReader)
  scope: results
  properties: {
    principalId: status.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobReader)
  }
}

// The keys that sign valet keys are the account's.
resource statusSigns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, status.id, roles.blobDelegator)
  scope: account
  properties: {
    principalId: status.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDelegator)
  }
}

// The records have a table for each day, made on first use, so these roles are
// the account's.
resource workerWritesRecords 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, worker.id, roles.tableContributor)
  scope: account
  properties: {
    principalId: worker.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableContributor)
  }
}

resource statusCancels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, status.id, roles.tableContributor)
  scope: account
  properties: {
    principalId: status.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableContributor)
  }
}

resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: tables
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output blobEndpoint string = 'https://${account.name}.blob.${environment().suffixes.storage}'
output tableEndpoint string = 'https://${account.name}.table.${environment().suffixes.storage}'
output tablePrefix string = tablePrefix
output payloadContainer string = payloads.name
output resultContainer string = results.name
