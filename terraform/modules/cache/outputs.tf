output "address" {
  description = "The host to connect to. It stays when another node takes over."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}
