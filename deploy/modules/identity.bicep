// An identity for each service, which has the roles that the service needs and
// no others, and two that no container can take on: `platform` pulls images
// and reads the ticket keys, `scaler` counts messages.
param location string
param tags object

resource acceptor 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-acceptor'
  location: location
  tags: tags
}

resource status 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-status'
  location: location
  tags: tags
}

resource worker 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-worker'
  location: location
  tags: tags
}

resource scaler 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-scaler'
  location: location
  tags: tags
}

resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-platform'
  location: location
  tags: tags
}

output acceptorName string = acceptor.name
output statusName string = status.name
output workerName string = worker.name
output scalerName string = scaler.name
output platformName string = platform.name
