// asyncreply on Azure: three services in Container Apps, a Service Bus queue, a
// storage account, and what they need around them. See docs/deployment.md.
//
//   azd up                                          builds the image and deploys
//   az deployment sub create --template-file …      deploys an image that exists
targetScope = 'subscription'

@minLength(2)
@maxLength(20)
@description('Names the deployment; its resources lie in the group rg-NAME.')
param environmentName string

@description('The Azure region of all resources.')
param location string

@description('The image to run, such as cr0.azurecr.io/asyncreply@sha256:…, in the registry that foundations.bicep makes.')
param image string

@secure()
@description('The ticket keys to store, base64 of 32 random bytes or more, separated by commas; empty leaves the stored ones as they are. Needed once.')
param ticketKeys string = ''

@allowed(['none', 'entra'])
@description('Who may call: none lets everybody, entra asks for an access token of Entra ID. See docs/authentication.md.')
param authMode string

@description('With entra: the audience of the tokens, which is the client id of the API\'s app registration.')
param authAudience string = ''

@description('With entra: the tenant whose tokens are good; empty: the deployment\'s own.')
param authTenantId string = ''

@description('Public URL of the acceptor, where it has a name of its own; empty: the one that Container Apps gives it.')
param acceptorBaseUrl string = ''

@description('Public URL of the status service, where it has a name of its own; empty: the one that Container Apps gives it.')
param statusBaseUrl string = ''

@description('Origins of other sites whose pages may call the services, separated by commas, or *; empty: none.')
param allowedOrigins string = ''

@minValue(0)
@description('Requests a second that one caller may post on average; 0: any number.')
param rateLimit int = 0

@minValue(0)
@description('Questions a second that one caller may ask the status service on average; 0: any number.')
param statusRateLimit int = 0

@allowed(['Standard', 'Premium'])
@description('Tier of Service Bus. A private network needs Premium, and gets it.')
param serviceBusSku string = 'Standard'

@minValue(1)
@maxValue(16)
@description('Premium: messaging units (1, 2, 4, 8 or 16).')
param messagingUnits int = 1

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
@description('Redundancy of the storage account.')
param storageSku string = 'Standard_ZRS'

@description('Spreads Premium Service Bus, and apps in a private network, over the region\'s zones.')
param zoneRedundant bool = false

@description('Puts the apps into a virtual network and closes queue, storage and key vault to the public. Cannot be changed later.')
param privateNetwork bool = false

@description('With a private network: whether the HTTP services can be reached from the internet all the same. Cannot be changed later.')
param publicIngress bool = true

@description('With a private network: its addresses, a /16 to /22.')
param networkPrefix string = '10.90.0.0/16'

@minValue(2)
@maxValue(365)
@description('Days that jobs, their payloads and their results are kept.')
param retentionDays int = 7

@minValue(1)
@maxValue(1440)
@description('Minutes that a link to a result works.')
param resultUrlMinutes int = 10

@minValue(0)
@description('Least replicas of acceptor and status each.')
param httpMinReplicas int = 2

@minValue(1)
@description('Most replicas of acceptor and status each.')
param httpMaxReplicas int = 10

@minValue(0)
@description('Least workers. With 0, the first job after a pause waits for a worker to start.')
param workerMinReplicas int = 1

@minValue(1)
@description('Most workers.')
param workerMaxReplicas int = 10

@minValue(1)
@maxValue(2048)
@description('Jobs that a worker does at a time, and messages that call for another worker.')
param workerConcurrency int = 16

@minValue(1)
@maxValue(540)
@description('Seconds that jobs may go on when their worker stops, before another one does them again.')
param workerSoftStopSeconds int = 60

@description('Cores of a worker, which may be a fraction, as in 0.5; memory is twice as many Gi.')
param workerCpu string = '1.0'

@description('Memory of a worker.')
param workerMemory string = '2Gi'

@allowed(['debug', 'info', 'warn', 'error'])
param logLevel string = 'info'

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 30

@description('Address that alerts are sent to; empty: alerts show in the portal only.')
param alertEmail string = ''

@minValue(1)
@description('A job that ends more minutes than this after its request raises an alert.')
param maxJobAgeMinutes int = 60

var token = uniqueString(subscription().id, environmentName, location)
var tags = {
  'azd-env-name': environmentName
}
var authTenant = empty(authTenantId) ? tenant().tenantId : authTenantId
var authIssuer = authMode == 'entra' ? '${environment().authentication.loginEndpoint}${authTenant}/v2.0' : ''
// Ingress reaches the replicas from the platform's network, or from the apps'
// subnet; nobody else can.
var proxies = privateNetwork ? '100.64.0.0/10,${cidrSubnet(networkPrefix, 23, 0)}' : '100.64.0.0/10'

module foundations 'foundations.bicep' = {
  name: 'asyncreply-foundations-${environmentName}'
  params: {
    environmentName: environmentName
    location: location
    ticketKeys: ticketKeys
    privateNetwork: privateNetwork
    logRetentionDays: logRetentionDays
    alertEmail: alertEmail
  }
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' existing = {
  name: 'rg-${environmentName}'
}

module messaging 'modules/messaging.bicep' = {
  name: 'messaging'
  scope: group
  params: {
    name: 'sb-${token}'
    location: location
    tags: tags
    workspaceId: foundations.outputs.workspaceId
    acceptorIdentityName: foundations.outputs.acceptorIdentityName
    workerIdentityName: foundations.outputs.workerIdentityName
    scalerIdentityName: foundations.outputs.scalerIdentityName
    sku: privateNetwork ? 'Premium' : serviceBusSku
    messagingUnits: messagingUnits
    zoneRedundant: zoneRedundant
    publicNetworkAccess: !privateNetwork
    retentionDays: retentionDays
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    workspaceId: foundations.outputs.workspaceId
    acceptorIdentityName: foundations.outputs.acceptorIdentityName
    statusIdentityName: foundations.outputs.statusIdentityName
    workerIdentityName: foundations.outputs.workerIdentityName
    sku: storageSku
    publicNetworkAccess: !privateNetwork
    retentionDays: retentionDays
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    addressPrefix: networkPrefix
    namespaceId: messaging.outputs.id
    storageAccountId: storage.outputs.id
    vaultId: foundations.outputs.vaultId
  }
}

module appsEnvironment 'modules/environment.bicep' = {
  name: 'environment'
  scope: group
  params: {
    name: 'cae-${token}'
    location: location
    tags: tags
    workspaceId: foundations.outputs.workspaceId
    subnetId: privateNetwork ? network!.outputs.appsSubnetId : ''
    networkId: privateNetwork ? network!.outputs.networkId : ''
    publicIngress: publicIngress
    zoneRedundant: zoneRedundant
  }
}

module apps 'modules/apps.bicep' = {
  name: 'apps'
  scope: group
  params: {
    location: location
    tags: tags
    environmentId: appsEnvironment.outputs.id
    environmentDomain: appsEnvironment.outputs.domain
    image: image
    registryServer: foundations.outputs.registryServer
    acceptorIdentityName: foundations.outputs.acceptorIdentityName
    statusIdentityName: foundations.outputs.statusIdentityName
    workerIdentityName: foundations.outputs.workerIdentityName
    scalerIdentityName: foundations.outputs.scalerIdentityName
    platformIdentityName: foundations.outputs.platformIdentityName
    namespaceName: messaging.outputs.name
    namespaceHost: messaging.outputs.host
    queueName: messaging.outputs.queueName
    blobEndpoint: storage.outputs.blobEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    payloadContainer: storage.outputs.payloadContainer
    resultContainer: storage.outputs.resultContainer
    tablePrefix: storage.outputs.tablePrefix
    vaultUri: foundations.outputs.vaultUri
    acceptorBaseUrl: acceptorBaseUrl
    statusBaseUrl: statusBaseUrl
    authMode: authMode
    authIssuer: authIssuer
    authAudience: authMode == 'entra' ? authAudience : ''
    allowedOrigins: allowedOrigins
    rateLimit: rateLimit
    statusRateLimit: statusRateLimit
    trustedProxies: proxies
    retentionDays: retentionDays
    resultUrlMinutes: resultUrlMinutes
    logLevel: logLevel
    httpMinReplicas: httpMinReplicas
    httpMaxReplicas: httpMaxReplicas
    workerMinReplicas: workerMinReplicas
    workerMaxReplicas: workerMaxReplicas
    workerConcurrency: workerConcurrency
    workerSoftStopSeconds: workerSoftStopSeconds
    workerCpu: workerCpu
    workerMemory: workerMemory
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: foundations.outputs.workspaceId
    actionGroupId: foundations.outputs.actionGroupId
    namespaceId: messaging.outputs.id
    queueName: messaging.outputs.queueName
    storageAccountId: storage.outputs.id
    acceptorId: apps.outputs.acceptorId
    statusId: apps.outputs.statusId
    workerId: apps.outputs.workerId
    maxJobAgeMinutes: maxJobAgeMinutes
  }
}

output AZURE_RESOURCE_GROUP string = foundations.outputs.groupName
output AZURE_CONTAINER_REGISTRY_NAME string = foundations.outputs.registryName
output AZURE_KEY_VAULT_NAME string = foundations.outputs.vaultName
output ACCEPTOR_URL string = apps.outputs.acceptorUrl
output STATUS_URL string = apps.outputs.statusUrl
