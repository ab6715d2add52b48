mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

override_module {
  target  = module.key
  outputs = { arn = "arn:aws:kms:eu-central-1:123456789012:key/own" }
}

variables {
  name             = "events"
  log_days         = 90
  emails           = { critical = ["on-call@example.com"], high = ["team@example.com"], medium = [] }
  balancer         = { arn_suffix = "app/events/1", target_groups = { api = "targetgroup/api/1", ingest = "targetgroup/ingest/1" } }
  cluster          = "events"
  database         = { identifier = "events", max_connections = 1000 }
  metric_namespace = "EventFlow"
}

run "every_alarm_that_was_promised" {
  command = apply

  # Name → minutes and threshold; whatever is added must be added here.
  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name => [alarm.evaluation_periods, alarm.threshold] } == {
      events-critical-service-down     = [2, 0]
      events-critical-ingest-failing   = [5, 5]
      events-critical-errors           = [5, 5]
      events-critical-consumer-lag     = [10, 10000]
      events-high-ingest-slow          = [10, 1]
      events-high-memory               = [10, 85]
      events-high-database-connections = [10, 90]
      events-high-database-disk        = [10, 0]
      events-high-pool                 = [10, 90]
      events-medium-rate-limit         = [5, 80]
      events-medium-dead-letters       = [5, 100]
    }
    error_message = "Alarms: ${jsonencode({ for name, alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name => [alarm.evaluation_periods, alarm.threshold] })}"
  }
  assert {
    condition     = toset([for alarm in local.alarms : alarm.severity]) == toset(keys(aws_sns_topic.this))
    error_message = "A severity has no alarm, or no topic."
  }
}

run "alarms_reach_somebody" {
  command = apply

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.this :
      alarm.alarm_actions == toset([aws_sns_topic.this[local.alarms[name].severity].arn]) && alarm.ok_actions == alarm.alarm_actions
    ])
    error_message = "An alarm goes to the wrong topic."
  }
  assert {
    condition     = { for s in aws_sns_topic_subscription.email : s.endpoint => s.topic_arn }["on-call@example.com"] == aws_sns_topic.this["critical"].arn
    error_message = "Nobody is told what is critical."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["service-down"].treat_missing_data == "breaching"
    error_message = "No figures, as when there is no server at all, count as well."
  }
}

run "expressions_use_their_metrics" {
  command = apply

  # One value that the alarm looks at, and every metric is in the expression.
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : length([for query in alarm.metric_query : query if query.return_data]) == 1
    ])
    error_message = "An alarm looks at two values."
  }
  assert {
    condition = alltrue(flatten([
      for alarm in local.alarms : [for metric in keys(alarm.metrics) : can(regex("\\b${metric}\\b", alarm.expression))]
    ]))
    error_message = "A metric is not in its alarm's expression."
  }
}

run "logs_end_and_are_encrypted" {
  command = apply

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days > 0 && group.kms_key_id == module.key.arn])
    error_message = "A log is kept for ever, or lies open."
  }
  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == module.key.arn])
    error_message = "A topic is not encrypted."
  }
}

run "the_dashboard_shows_what_alarms_watch" {
  command = apply

  assert {
    condition = length(setsubtract(
      toset(flatten([for alarm in local.alarms : [for metric in alarm.metrics : metric.name]])),
      toset(flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for m in try(widget.properties.metrics, []) : m[1]]])),
    )) == 1 # successes of ingest are among the requests
    error_message = "An alarm watches what the dashboard does not show."
  }
  assert {
    condition = jsonencode(output.collected_metrics) == jsonencode({
      eventflow_consumer_lag_events     = ["installation"]
      eventflow_dead_letters            = ["installation"]
      eventflow_pool_in_use_connections = ["installation"]
      eventflow_pool_limit_connections  = ["installation"]
      eventflow_rate_limit_demand_ratio = ["installation", "kind"]
    })
    error_message = "The collector gets other metrics than alarms read."
  }
}

run "a_deploy_is_guarded_by_alarms_that_exist" {
  command = apply

  assert {
    condition     = toset(output.rollback_alarms) == toset(["events-critical-errors", "events-critical-ingest-failing"])
    error_message = "Other alarms take a deployment back."
  }
}

run "nobody_to_tell_is_refused" {
  command = plan

  variables {
    emails = { critical = [], high = [], medium = [] }
  }

  expect_failures = [var.emails]
}

run "days_that_cloudwatch_does_not_know_are_refused" {
  command = plan

  variables {
    log_days = 100
  }

  expect_failures = [var.log_days]
}
