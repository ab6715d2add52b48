mock_provider "aws" {}

override_module {
  target  = module.key
  outputs = { arn = "arn:aws:kms:eu-central-1:123456789012:key/own" }
}

variables {
  name              = "events"
  subnet_ids        = ["subnet-a", "subnet-b"]
  security_group_id = "sg-1"
  node_type         = "cache.t4g.small"
  nodes             = 2
  password          = "not a real one"
}

run "encrypted_with_a_password" {
  command = apply

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required"
    error_message = "The cache can be talked to without TLS."
  }
  assert {
    condition     = tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled) && aws_elasticache_replication_group.this.kms_key_id == module.key.arn
    error_message = "The cache is not encrypted with its own key."
  }
  assert {
    condition     = nonsensitive(aws_elasticache_replication_group.this.auth_token) == nonsensitive(var.password)
    error_message = "The cache asks for no password."
  }
}

run "two_nodes_take_over" {
  command = apply

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "No node takes over."
  }
}

run "one_node_cannot" {
  command = apply

  variables {
    nodes = 1
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled && !aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "AWS refuses a single node with failover."
  }
}

run "no_node_is_refused" {
  command = plan

  variables {
    nodes = 0
  }

  expect_failures = [var.nodes]
}
