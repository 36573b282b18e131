// The Container Apps environment that the services run in.
param name string
param location string
param tags object
param workspaceId string

@description('Subnet of the apps; empty: a network of the platform.')
param subnetId string

@description('Network whose machines resolve the apps\' names where the ingress is private.')
param networkId string
param publicIngress bool
param zoneRedundant bool

var privateIngress = !empty(subnetId) && !publicIngress

// Logs leave by the diagnostic setting below: a Log Analytics destination here
// would need the workspace's key.
resource apps 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
    vnetConfiguration: empty(subnetId)
      ? null
      : {
          infrastructureSubnetId: subnetId
          internal: privateIngress
        }
    zoneRedundant: !empty(subnetId) && zoneRedundant
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: apps
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
      {
        category: 'ContainerAppSystemLogs'
        enabled: true
      }
    ]
  }
}

module names 'ingress-dns.bicep' = if (privateIngress) {
  name: 'ingress-dns'
  params: {
    domain: apps.properties.defaultDomain
    address: apps.properties.staticIp
    networkId: networkId
    tags: tags
  }
}

output id string = apps.id
output domain string = apps.properties.defaultDomain
