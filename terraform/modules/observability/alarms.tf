# An alarm is metrics by the name that its expression uses, the expression, and when its value
# is above the threshold for so many minutes on end.

locals {
  balancer = { LoadBalancer = var.balancer.arn_suffix }
  api      = merge(local.balancer, { TargetGroup = var.balancer.target_groups.api })
  ingest   = merge(local.balancer, { TargetGroup = var.balancer.target_groups.ingest })
  service  = { ClusterName = var.cluster, ServiceName = var.name }
  database = { DBInstanceIdentifier = var.database.identifier }
  own      = { installation = var.name }

  alarms = {
    service-down = {
      severity    = "critical"
      description = "No server is ready for 2 minutes."
      minutes     = 2
      missing     = "breaching"
      expression  = "IF(ready < 1, 1, 0)"
      threshold   = 0
      metrics     = { ready = { namespace = "AWS/ApplicationELB", name = "HealthyHostCount", stat = "Maximum", dimensions = local.api } }
    }
    ingest-failing = {
      severity    = "critical"
      description = "Less than 95 % of the events sent are stored, for 5 minutes. What the client has got wrong (4xx) counts for neither side."
      minutes     = 5
      missing     = "notBreaching"
      expression  = "IF(FILL(good, 0) + FILL(bad, 0) > 0, 100 * FILL(bad, 0) / (FILL(good, 0) + FILL(bad, 0)), 0)"
      threshold   = 5
      metrics = {
        good = { namespace = "AWS/ApplicationELB", name = "HTTPCode_Target_2XX_Count", stat = "Sum", dimensions = local.ingest }
        bad  = { namespace = "AWS/ApplicationELB", name = "HTTPCode_Target_5XX_Count", stat = "Sum", dimensions = local.ingest }
      }
    }
    errors = {
      severity    = "critical"
      description = "More than 5 % of all requests are answered with 5xx, by the servers or in their place by the load balancer, for 5 minutes."
      minutes     = 5
      missing     = "notBreaching"
      expression  = "IF(FILL(all, 0) + FILL(own, 0) > 0, 100 * (FILL(theirs, 0) + FILL(own, 0)) / (FILL(all, 0) + FILL(own, 0)), 0)"
      threshold   = 5
      metrics = {
        all    = { namespace = "AWS/ApplicationELB", name = "RequestCount", stat = "Sum", dimensions = local.balancer }
        theirs = { namespace = "AWS/ApplicationELB", name = "HTTPCode_Target_5XX_Count", stat = "Sum", dimensions = local.balancer }
        own    = { namespace = "AWS/ApplicationELB", name = "HTTPCode_ELB_5XX_Count", stat = "Sum", dimensions = local.balancer }
      }
    }
    consumer-lag = {
      severity    = "critical"
      description = "A consumer group is more than 10,000 events behind for 10 minutes."
      minutes     = 10
      missing     = "notBreaching"
      expression  = "lag"
      threshold   = 10000
      metrics     = { lag = { namespace = var.metric_namespace, name = "eventflow_consumer_lag_events", stat = "Maximum", dimensions = local.own } }
    }
    ingest-slow = {
      severity    = "high"
      description = "One of twenty requests that send events takes longer than a second, for 10 minutes."
      minutes     = 10
      missing     = "notBreaching"
      expression  = "slow"
      threshold   = 1
      metrics     = { slow = { namespace = "AWS/ApplicationELB", name = "TargetResponseTime", stat = "p95", dimensions = local.ingest } }
    }
    memory = {
      severity    = "high"
      description = "A server uses more than 85 % of its memory for 10 minutes."
      minutes     = 10
      missing     = "notBreaching"
      expression  = "memory"
      threshold   = 85
      metrics     = { memory = { namespace = "AWS/ECS", name = "MemoryUtilization", stat = "Maximum", dimensions = local.service } }
    }
    database-connections = {
      severity    = "high"
      description = "More than 90 % of the database's connections are in use for 10 minutes."
      minutes     = 10
      missing     = "notBreaching"
      expression  = "100 * connections / ${var.database.max_connections}"
      threshold   = 90
      metrics     = { connections = { namespace = "AWS/RDS", name = "DatabaseConnections", stat = "Maximum", dimensions = local.database } }
    }
    database-disk = {
      severity    = "high"
      description = "The database has less than 10 GB of disk left for 10 minutes, though it grows by itself."
      minutes     = 10
      missing     = "notBreaching"
      expression  = "10 - free / 1000000000"
      threshold   = 0
      metrics     = { free = { namespace = "AWS/RDS", name = "FreeStorageSpace", stat = "Minimum", dimensions = local.database } }
    }
    pool = {
      severity    = "high"
      description = "A server uses more than 90 % of the connections that one of its pools may have, for 10 minutes: requests wait for one."
      minutes     = 10
      missing     = "notBreaching"
      expression  = "100 * used / size"
      threshold   = 90
      metrics = {
        used = { namespace = var.metric_namespace, name = "eventflow_pool_in_use_connections", stat = "Maximum", dimensions = local.own }
        size = { namespace = var.metric_namespace, name = "eventflow_pool_limit_connections", stat = "Minimum", dimensions = local.own }
      }
    }
    rate-limit = {
      severity    = "medium"
      description = "Some key or person asks for more than 80 % of what it may, for 5 minutes. The servers' logs name it."
      minutes     = 5
      missing     = "notBreaching"
      expression  = "100 * MAX([FILL(keys, 0), FILL(users, 0)])"
      threshold   = 80
      # Servers count together, so what they are asked for adds up.
      metrics = {
        for kind in ["key", "user"] : "${kind}s" => {
          namespace = var.metric_namespace, name = "eventflow_rate_limit_demand_ratio", stat = "Sum", dimensions = merge(local.own, { kind = kind })
        }
      }
    }
    dead-letters = {
      severity    = "medium"
      description = "A consumer group has more than 100 dead letters."
      minutes     = 5
      missing     = "notBreaching"
      expression  = "letters"
      threshold   = 100
      metrics     = { letters = { namespace = var.metric_namespace, name = "eventflow_dead_letters", stat = "Maximum", dimensions = local.own } }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.value.severity}-${each.key}"
  alarm_description   = each.value.description
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this[each.value.severity].arn]
  ok_actions          = [aws_sns_topic.this[each.value.severity].arn]

  metric_query {
    id          = "value"
    label       = each.key
    expression  = each.value.expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics
    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = 60
      }
    }
  }
}
