output "url" {
  description = "Where EventFlow is."
  value       = module.eventflow.url
}

output "balancer_dns_name" {
  description = "Where the host name must point, if zone_id is not given."
  value       = module.eventflow.balancer_dns_name
}

output "run_task" {
  description = "What `aws ecs run-task` takes, to run a command of EventFlow."
  value       = module.eventflow.run_task
}
