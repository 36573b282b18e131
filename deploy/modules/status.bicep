// The service that tells callers how their jobs stand.
param location string
param tags object
param environmentId string
param image string
param registryServer string
param identityName string
param platformIdentityName string
param minReplicas int
param maxReplicas int

param blobEndpoint string
param tableEndpoint string
param payloadContainer string
param resultContainer string
param tablePrefix string
param ticketKeysUrl string
param operationsFile string
param statusBaseUrl string
param acceptorBaseUrl string
param authMode string
param authIssuer string
param authAudience string
param allowedOrigins string
param rateLimit int
param trustedProxies string
param retentionDays int
param resultUrlMinutes int
param drainDelaySeconds int
param shutdownSeconds int
param logLevel string

var port = 8081

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: platformIdentityName
}

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'status'
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
      activeRevisionsMode: 'Single'
      identitySettings: [
        { identity: identity.id, lifecycle: 'Main' }
        { identity: platform.id, lifecycle: 'None' }
      ]
      registries: [
        { server: registryServer, identity: platform.id }
      ]
      secrets: [
        { name: 'ticket-keys', keyVaultUrl: ticketKeysUrl, identity: platform.id }
      ]
      ingress: {
        external: true
        targetPort: port
        transport: 'auto'
        allowInsecure: false
      }
    }
    template: {
      terminationGracePeriodSeconds: drainDelaySeconds + shutdownSeconds + 20
      containers: [
        {
          name: 'status'
          image: image
          command: ['/usr/local/bin/status']
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: [
            { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
            { name: 'AZURE_TOKEN_CREDENTIALS', value: 'ManagedIdentityCredential' }
            { name: 'STORAGE_BLOB_ENDPOINT', value: blobEndpoint }
            { name: 'STORAGE_TABLE_ENDPOINT', value: tableEndpoint }
            { name: 'PAYLOAD_CONTAINER', value: payloadContainer }
            { name: 'RESULT_CONTAINER', value: resultContainer }
            { name: 'TABLE_PREFIX', value: tablePrefix }
            { name: 'TICKET_KEYS', secretRef: 'ticket-keys' }
            { name: 'OPERATIONS_FILE', value: operationsFile }
            { name: 'STATUS_BASE_URL', value: statusBaseUrl }
            { name: 'ACCEPTOR_BASE_URL', value: acceptorBaseUrl }
            { name: 'AUTH_MODE', value: authMode }
            { name: 'AUTH_ISSUER', value: authIssuer }
            { name: 'AUTH_AUDIENCE', value: authAudience }
            { name: 'CORS_ALLOWED_ORIGINS', value: allowedOrigins }
            { name: 'RATE_LIMIT', value: string(rateLimit) }
            { name: 'LISTEN_ADDR', value: ':${port}' }
            { name: 'TRUSTED_PROXIES', value: trustedProxies }
            { name: 'RETENTION', value: '${retentionDays * 24}h' }
            { name: 'RESULT_URL_LIFETIME', value: '${resultUrlMinutes}m' }
            { name: 'DRAIN_DELAY', value: '${drainDelaySeconds}s' }
            { name: 'SHUTDOWN_TIMEOUT', value: '${shutdownSeconds}s' }
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
              periodSeconds: 5
              timeoutSeconds: 5
              failureThreshold: 2
            }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            name: 'http'
            // Those who wait for a result or listen to events count.
            http: {
              metadata: { concurrentRequests: '200' }
            }
          }
        ]
      }
    }
  }
}

output id string = app.id
