// The three services and the operators' job, which are one image, and what they
// have in common.
param location string
param tags object
param environmentId string
param environmentDomain string
param image string
param registryServer string

param acceptorIdentityName string
param statusIdentityName string
param workerIdentityName string
param scalerIdentityName string
param platformIdentityName string

param namespaceName string
param namespaceHost string
param queueName string
param blobEndpoint string
param tableEndpoint string
param payloadContainer string
param resultContainer string
param tablePrefix string
param vaultUri string

@description('Public URLs of the services; empty: their names in the environment.')
param acceptorBaseUrl string
param statusBaseUrl string
param authMode string
param authIssuer string
param authAudience string
param allowedOrigins string
param rateLimit int
param statusRateLimit int
param trustedProxies string
param retentionDays int
param resultUrlMinutes int
param logLevel string

param httpMinReplicas int
param httpMaxReplicas int
param workerMinReplicas int
param workerMaxReplicas int
param workerConcurrency int
param workerSoftStopSeconds int
param workerCpu string
param workerMemory string

// A replica that stops goes on listening until ingress has noticed that it is
// not ready; then what is in flight may finish.
var drainDelaySeconds = 10
var shutdownSeconds = 30

var operationsFile = '/etc/asyncreply/operations.yaml'
var ticketKeysUrl = '${vaultUri}secrets/ticket-keys' // no version: a new ring is read, and replicas restarted, within 30 minutes
var acceptorUrl = empty(acceptorBaseUrl) ? 'https://acceptor.${environmentDomain}' : acceptorBaseUrl
var statusUrl = empty(statusBaseUrl) ? 'https://status.${environmentDomain}' : statusBaseUrl

module acceptor 'acceptor.bicep' = {
  name: 'acceptor'
  params: {
    location: location
    tags: tags
    environmentId: environmentId
    image: image
    registryServer: registryServer
    identityName: acceptorIdentityName
    platformIdentityName: platformIdentityName
    minReplicas: httpMinReplicas
    maxReplicas: httpMaxReplicas
    namespaceHost: namespaceHost
    queueName: queueName
    blobEndpoint: blobEndpoint
    tableEndpoint: tableEndpoint
    payloadContainer: payloadContainer
    resultContainer: resultContainer
    tablePrefix: tablePrefix
    ticketKeysUrl: ticketKeysUrl
    operationsFile: operationsFile
    statusBaseUrl: statusUrl
    authMode: authMode
    authIssuer: authIssuer
    authAudience: authAudience
    allowedOrigins: allowedOrigins
    rateLimit: rateLimit
    trustedProxies: trustedProxies
    drainDelaySeconds: drainDelaySeconds
    shutdownSeconds: shutdownSeconds
    logLevel: logLevel
  }
}

module status 'status.bicep' = {
  name: 'status'
  params: {
    location: location
    tags: tags
    environmentId: environmentId
    image: image
    registryServer: registryServer
    identityName: statusIdentityName
    platformIdentityName: platformIdentityName
    minReplicas: httpMinReplicas
    maxReplicas: httpMaxReplicas
    blobEndpoint: blobEndpoint
    tableEndpoint: tableEndpoint
    payloadContainer: payloadContainer
    resultContainer: resultContainer
    tablePrefix: tablePrefix
    ticketKeysUrl: ticketKeysUrl
    operationsFile: operationsFile
    statusBaseUrl: statusUrl
    acceptorBaseUrl: acceptorUrl
    authMode: authMode
    authIssuer: authIssuer
    authAudience: authAudience
    allowedOrigins: allowedOrigins
    rateLimit: statusRateLimit
    trustedProxies: trustedProxies
    retentionDays: retentionDays
    resultUrlMinutes: resultUrlMinutes
    drainDelaySeconds: drainDelaySeconds
    shutdownSeconds: shutdownSeconds
    logLevel: logLevel
  }
}

module worker 'worker.bicep' = {
  name: 'worker'
  params: {
    location: location
    tags: tags
    environmentId: environmentId
    image: image
    registryServer: registryServer
    identityName: workerIdentityName
    scalerIdentityName: scalerIdentityName
    platformIdentityName: platformIdentityName
    minReplicas: workerMinReplicas
    maxReplicas: workerMaxReplicas
    cpu: workerCpu
    memory: workerMemory
    namespaceName: namespaceName
    namespaceHost: namespaceHost
    queueName: queueName
    blobEndpoint: blobEndpoint
    tableEndpoint: tableEndpoint
    payloadContainer: payloadContainer
    resultContainer: resultContainer
    tablePrefix: tablePrefix
    operationsFile: operationsFile
    retentionDays: retentionDays
    concurrency: workerConcurrency
    softStopSeconds: workerSoftStopSeconds
    logLevel: logLevel
  }
}

module redrive 'redrive.bicep' = {
  name: 'redrive'
  params: {
    location: location
    tags: tags
    environmentId: environmentId
    image: image
    registryServer: registryServer
    identityName: workerIdentityName
    platformIdentityName: platformIdentityName
    namespaceHost: namespaceHost
    queueName: queueName
    blobEndpoint: blobEndpoint
    tableEndpoint: tableEndpoint
    payloadContainer: payloadContainer
    resultContainer: resultContainer
    tablePrefix: tablePrefix
    retentionDays: retentionDays
    logLevel: logLevel
  }
}

output acceptorId string = acceptor.outputs.id
output statusId string = status.outputs.id
output workerId string = worker.outputs.id
output acceptorUrl string = acceptorUrl
output statusUrl string = statusUrl
