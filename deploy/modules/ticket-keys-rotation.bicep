// One step in the life of a ticket key; see ../rotate-ticket-keys.bicep.
param vaultName string

@allowed(['announce', 'promote', 'retire'])
param step string

@secure()
param ring string

@secure()
param newKey string

var keys = split(ring, ',')

var announced = concat(keys, [newKey])
var promoted = concat([last(keys)], take(keys, length(keys) - 1))
var retired = take(keys, 1)

module write 'ticket-keys.bicep' = {
  name: 'ticket-keys'
  params: {
    vaultName: vaultName
    ring: join(step == 'announce' ? announced : (step == 'promote' ? promoted : retired), ',')
  }
}
