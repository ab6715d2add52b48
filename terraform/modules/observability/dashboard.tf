locals {
  # What a row shows: title, and metrics as the alarms name them with another statistic where need be.
  charts = [
    { title = "Requests", stat = "Sum", metrics = [
      ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", var.balancer.arn_suffix],
      ["AWS/ApplicationELB", "HTTPCode_Target_4XX_Count", "LoadBalancer", var.balancer.arn_suffix],
      ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", var.balancer.arn_suffix],
      ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", var.balancer.arn_suffix],
    ] },
    { title = "Time to store events (p95, seconds)", stat = "p95", metrics = [
      ["AWS/ApplicationELB", "TargetResponseTime", "TargetGroup", var.balancer.target_groups.ingest, "LoadBalancer", var.balancer.arn_suffix],
    ] },
    { title = "Consumers", stat = "Maximum", metrics = [
      [var.metric_namespace, "eventflow_consumer_lag_events", "installation", var.name],
      [var.metric_namespace, "eventflow_dead_letters", "installation", var.name],
    ] },
    { title = "Servers: connections in use", stat = "Maximum", metrics = [
      [var.metric_namespace, "eventflow_pool_in_use_connections", "installation", var.name],
      [var.metric_namespace, "eventflow_pool_limit_connections", "installation", var.name],
    ] },
    { title = "The busiest, as a part of what it may", stat = "Sum", metrics = [
      for kind in ["key", "user"] : [var.metric_namespace, "eventflow_rate_limit_demand_ratio", "installation", var.name, "kind", kind]
    ] },
    { title = "Servers ready", stat = "Minimum", metrics = [
      ["AWS/ApplicationELB", "HealthyHostCount", "TargetGroup", var.balancer.target_groups.api, "LoadBalancer", var.balancer.arn_suffix],
    ] },
    { title = "Servers: CPU and memory (%)", stat = "Maximum", metrics = [
      ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster, "ServiceName", var.name],
      ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster, "ServiceName", var.name],
    ] },
    { title = "Database: CPU (%) and connections", stat = "Maximum", metrics = [
      ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", var.database.identifier],
      ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", var.database.identifier],
    ] },
    { title = "Database: time of a write (seconds)", stat = "Average", metrics = [
      ["AWS/RDS", "WriteLatency", "DBInstanceIdentifier", var.database.identifier],
    ] },
    { title = "Database: free disk (bytes)", stat = "Minimum", metrics = [
      ["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", var.database.identifier],
    ] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type       = "alarm", x = 0, y = 0, width = 24, height = 3
        properties = { title = "Alarms", alarms = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn] }
      }],
      [for i, chart in local.charts : {
        type = "metric", x = 12 * (i % 2), y = 3 + 6 * floor(i / 2), width = 12, height = 6
        properties = {
          title = chart.title, stat = chart.stat, metrics = chart.metrics, period = 60, region = local.region, view = "timeSeries"
        }
      }],
    )
  })
}
