output "url" {
  description = "Where EventFlow is."
  value       = "https://${var.hostname}"
}

output "balancer_dns_name" {
  description = "Where the host name must point, if zone_id is not given."
  value       = module.service.balancer.dns_name
}

output "run_task" {
  description = "What `aws ecs run-task` takes, to run a command of EventFlow."
  value       = "--cluster ${module.service.cluster} --task-definition ${var.name} --launch-type FARGATE --network-configuration '${module.service.network}'"
}
