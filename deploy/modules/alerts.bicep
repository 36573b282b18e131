// What operators must hear of; docs/operations.md says what to do about each.
param location string
param tags object
param workspaceId string

@description('Who is told; empty: nobody, alerts show in the portal.')
param actionGroupId string
param namespaceId string
param queueName string
param storageAccountId string
param acceptorId string
param statusId string
param workerId string

@description('A job that ends later than this after its request raises an alert.')
param maxJobAgeMinutes int

var queueDimension = [
  {
    name: 'EntityName'
    operator: 'Include'
    values: [queueName]
  }
]
var serverErrorDimension = [
  {
    name: 'statusCodeCategory'
    operator: 'Include'
    values: ['5xx']
  }
]
var throttledDimension = [
  {
    name: 'ResponseType'
    operator: 'Include'
    values: [
      'ServerBusyError'
      'ClientThrottlingError'
      'ClientAccountRequestThrottlingError'
      'ClientAccountBandwidthThrottlingError'
    ]
  }
]

var rules = [
  {
    name: 'dead-letters'
    description: 'Messages lie in the dead-letter queue: their jobs have failed for good.'
    severity: 2
    scope: namespaceId
    window: 'PT5M'
    criteria: [
      {
        metric: 'DeadletteredMessages'
        aggregation: 'Maximum'
        operator: 'GreaterThan'
        threshold: 0
        dimensions: queueDimension
      }
    ]
  }
  {
    name: 'queue-stands-still'
    description: 'Messages wait, and for a quarter of an hour none was completed.'
    severity: 1
    scope: namespaceId
    window: 'PT15M'
    criteria: [
      {
        metric: 'ActiveMessages'
        aggregation: 'Minimum'
        operator: 'GreaterThan'
        threshold: 0
        dimensions: queueDimension
      }
      {
        metric: 'CompleteMessage'
        aggregation: 'Total'
        operator: 'LessThan'
        threshold: 1
        dimensions: queueDimension
      }
    ]
  }
  {
    name: 'queue-throttled'
    description: 'Service Bus refuses requests because there are too many.'
    severity: 2
    scope: namespaceId
    window: 'PT5M'
    criteria: [
      {
        metric: 'ThrottledRequests'
        aggregation: 'Total'
        operator: 'GreaterThan'
        threshold: 0
        dimensions: []
      }
    ]
  }
  {
    name: 'storage-throttled'
    description: 'Storage refuses requests because there are too many.'
    severity: 2
    scope: storageAccountId
    window: 'PT5M'
    criteria: [
      {
        metric: 'Transactions'
        aggregation: 'Total'
        operator: 'GreaterThan'
        threshold: 0
        dimensions: throttledDimension
      }
    ]
  }
  {
    name: 'acceptor-5xx'
    description: 'The acceptor turns requests away or fails.'
    severity: 1
    scope: acceptorId
    window: 'PT5M'
    criteria: [
      {
        metric: 'Requests'
        aggregation: 'Total'
        operator: 'GreaterThan'
        threshold: 5
        dimensions: serverErrorDimension
      }
    ]
  }
  {
    name: 'status-5xx'
    description: 'The status service turns requests away or fails.'
    severity: 1
    scope: statusId
    window: 'PT5M'
    criteria: [
      {
        metric: 'Requests'
        aggregation: 'Total'
        operator: 'GreaterThan'
        threshold: 5
        dimensions: serverErrorDimension
      }
    ]
  }
  {
    name: 'worker-restarts'
    description: 'Workers crash.'
    severity: 2
    scope: workerId
    window: 'PT15M'
    criteria: [
      {
        metric: 'RestartCount'
        aggregation: 'Maximum'
        operator: 'GreaterThan'
        threshold: 2
        dimensions: []
      }
    ]
  }
]

resource metrics 'Microsoft.Insights/metricAlerts@2018-03-01' = [for rule in rules: {
  name: rule.name
  location: 'global'
  tags: tags
  properties: {
    description: rule.description
    severity: rule.severity
    enabled: true
    autoMitigate: true
    scopes: [rule.scope]
    evaluationFrequency: 'PT1M'
    windowSize: rule.window
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: map(rule.criteria, c => {
        name: c.metric
        criterionType: 'StaticThresholdCriterion'
        metricName: c.metric
        timeAggregation: c.aggregation
        operator: c.operator
        threshold: c.threshold
        dimensions: c.dimensions
      })
    }
    actions: empty(actionGroupId) ? [] : [{ actionGroupId: actionGroupId }]
  }
}]

// No metric tells how old the oldest message is. A job's id tells when its
// request came: its first 48 bits are milliseconds since 1970.
resource jobAge 'Microsoft.Insights/scheduledQueryRules@2021-08-01' = {
  name: 'job-age'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'job-age'
    description: 'Jobs end more than ${maxJobAgeMinutes} minutes after their requests.'
    severity: 2
    enabled: true
    autoMitigate: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    skipQueryValidation: true // the table is made by the first log line
    criteria: {
      allOf: [
        {
          query: loadTextContent('job-age.kql')
          metricMeasureColumn: 'minutes'
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: maxJobAgeMinutes
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: empty(actionGroupId) ? [] : [actionGroupId]
    }
  }
}
