output "log_groups" {
  description = "Log groups: server, metrics, flow."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => { name = group.name, arn = group.arn } }
}

output "key_arn" {
  description = "The key that logs are encrypted with."
  value       = module.key.arn
}

output "rollback_alarms" {
  description = "Alarms that take a deployment back: those that a new version can set off at once."
  value       = [for name in ["errors", "ingest-failing"] : aws_cloudwatch_metric_alarm.this[name].alarm_name]
}

output "collected_metrics" {
  description = "The server's own metrics that alarms and dashboard read: labels that are dimensions, by name."
  value = merge(flatten([
    for alarm in local.alarms : [
      for metric in alarm.metrics : { (metric.name) = keys(metric.dimensions) } if metric.namespace == var.metric_namespace
    ]
  ])...)
}
