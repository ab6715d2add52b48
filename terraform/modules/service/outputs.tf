output "balancer" {
  description = "The load balancer, as metrics and DNS name it."
  value = {
    arn_suffix    = aws_lb.this.arn_suffix
    dns_name      = aws_lb.this.dns_name
    target_groups = { for name, group in aws_lb_target_group.this : name => group.arn_suffix }
  }
}

# The names, not the service: an alarm must be there before a deployment that it guards.
output "cluster" {
  description = "The cluster."
  value       = aws_ecs_cluster.this.name
}

output "network" {
  description = "What `aws ecs run-task --network-configuration` takes."
  value       = "awsvpcConfiguration={subnets=[${join(",", var.subnet_ids.private)}],securityGroups=[${var.group_ids.service}]}"
}
