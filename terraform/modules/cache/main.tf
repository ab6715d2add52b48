# News between servers and common counts of requests. All of it may be lost at any time, so it has no backup.

module "key" {
  source = "../key"

  name        = "${var.name}-cache"
  description = "The cache of ${var.name}"
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id = var.name
  description          = "News between the servers of ${var.name}"
  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.node_type
  port                 = 6379

  num_cache_clusters         = var.nodes
  automatic_failover_enabled = var.nodes > 1
  multi_az_enabled           = var.nodes > 1

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = module.key.arn
  auth_token                 = var.password
  auth_token_update_strategy = "ROTATE"

  subnet_group_name        = aws_elasticache_subnet_group.this.name
  security_group_ids       = [var.security_group_id]
  snapshot_retention_limit = 0
  maintenance_window       = "sun:04:30-sun:05:30"
  apply_immediately        = true
}
