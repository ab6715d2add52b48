output "key_arn" {
  description = "The key that the secrets are encrypted with."
  value       = module.key.arn
}

output "arns" {
  description = "Secrets that become environment variables of the server, by variable."
  # By way of the versions: a server must not start before there is a value.
  value = {
    EVENTFLOW_SECRET = aws_secretsmanager_secret_version.generated["secret"].arn
    EVENTFLOW_STORE  = aws_secretsmanager_secret_version.store.arn
    EVENTFLOW_REDIS  = aws_secretsmanager_secret_version.redis.arn
  }
}

output "database_password" {
  description = "The password of PostgreSQL's user."
  value       = aws_secretsmanager_secret_version.generated["database"].secret_string
  sensitive   = true
}

output "cache_password" {
  description = "The cache's password."
  value       = aws_secretsmanager_secret_version.generated["cache"].secret_string
  sensitive   = true
}
