output "identifier" {
  description = "The instance, as metrics name it."
  value       = aws_db_instance.this.identifier
}

output "address" {
  description = "The host to connect to. It stays when the standby takes over."
  value       = aws_db_instance.this.address
}
