// The program that does the jobs. It has no ingress and follows the queue.
param location string
param tags object
param environmentId string
param image string
param registryServer string
param identityName string
param platformIdentityName string
param scalerIdentityName string
param minReplicas int
param maxReplicas int

@description('Cores, which may be a fraction.')
param cpu string
param memory string

param namespaceName string
param namespaceHost string
param queueName string
param blobEndpoint string
param tableEndpoint string
param payloadContainer string
param resultContainer string
param tablePrefix string
param operationsFile string
param retentionDays int
param concurrency int
param softStopSeconds int
param logLevel string

var port = 8082

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource scaler 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: scalerIdentityName
}

resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: platformIdentityName
}

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'worker'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
      '${scaler.id}': {}
      '${platform.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      identitySettings: [
        { identity: identity.id, lifecycle: 'Main' }
        { identity: scaler.id, lifecycle: 'None' }
        { identity: platform.id, lifecycle: 'None' }
      ]
      registries: [
        { server: registryServer, identity: platform.id }
      ]
    }
    template: {
      terminationGracePeriodSeconds: softStopSeconds + 60 // then handlers are canceled and their jobs handed back
      containers: [
        {
          name: 'worker'
          image: image
          command: ['/usr/local/bin/worker']
          resources: {
            cpu: json(cpu)
            memory: memory
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
            { name: 'OPERATIONS_FILE', value: operationsFile }
            { name: 'RETENTION', value: '${retentionDays * 24}h' }
            { name: 'WORKER_CONCURRENCY', value: string(concurrency) }
            { name: 'WORKER_SOFT_STOP', value: '${softStopSeconds}s' }
            { name: 'WORKER_HEALTH_ADDR', value: ':${port}' }
            { name: 'LOG_LEVEL', value: logLevel }
          ]
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/healthz', port: port }
              periodSeconds: 3
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: port }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: { path: '/readyz', port: port }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        pollingInterval: 15
        cooldownPeriod: 300
        rules: [
          {
            name: 'queue'
            custom: {
              type: 'azure-servicebus'
              identity: scaler.id
              metadata: {
                namespace: namespaceName
                queueName: queueName
                messageCount: string(concurrency)
              }
            }
          }
        ]
      }
    }
  }
}

output id string = app.id
