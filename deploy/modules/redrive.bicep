// The operators' job that puts dead-lettered jobs back. It runs when somebody
// starts it, and only says what it would do unless its arguments are changed;
// see docs/operations.md.
param location string
param tags object
param environmentId string
param image string
param registryServer string
param identityName string
param platformIdentityName string

param namespaceHost string
param queueName string
param blobEndpoint string
param tableEndpoint string
param payloadContainer string
param resultContainer string
param tablePrefix string
param retentionDays int
param logLevel string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: platformIdentityName
}

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: 'redrive'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
      '${platform.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 3600
      replicaRetryLimit: 0
      manualTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
      }
      identitySettings: [
        { identity: identity.id, lifecycle: 'Main' }
        { identity: platform.id, lifecycle: 'None' }
      ]
      registries: [
        { server: registryServer, identity: platform.id }
      ]
    }
    template: {
      containers: [
        {
          name: 'redrive'
          image: image
          command: ['/usr/local/bin/redrive']
          args: ['--all', '--dry-run']
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          env: [
            { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
            { name: 'AZURE_TOKEN_CREDENTIALS', value: 'ManagedIdentityCredential' }
            { name: 'SERVICEBUS_NAMESPACE', value: namespaceHost }
            { name: 'SERVICEBUS_QUEUE', value: queueName }
            { name: 'STORAGE_BLOB_ENDPOINT', value: blobEndpoint }
            { name: 'STORAGE_TABLE_ENDPOINT', value: tableEndpoint }
            { name: 'PAYLOAD_CONTAINER', value: payloadContainer }
            { name: 'RESULT_CONTAINER', value: resultContainer }
            { name: 'TABLE_PREFIX', value: tablePrefix }
            { name: 'RETENTION', value: '${retentionDays * 24}h' }
            { name: 'LOG_LEVEL', value: logLevel }
          ]
        }
      ]
    }
  }
}
