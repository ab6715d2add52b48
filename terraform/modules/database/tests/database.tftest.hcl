mock_provider "aws" {}

override_module {
  target  = module.key
  outputs = { arn = "arn:aws:kms:eu-central-1:123456789012:key/own" }
}

variables {
  name                = "events"
  subnet_ids          = ["subnet-a", "subnet-b"]
  security_group_id   = "sg-1"
  instance_class      = "db.m7g.xlarge"
  storage_gb          = 200
  max_storage_gb      = 2000
  max_connections     = 1000
  multi_az            = true
  backup_days         = 35
  deletion_protection = true
  database_name       = "eventflow"
  username            = "eventflow"
  password            = "not a real one"
  log_days            = 90
  log_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/logs"
}

run "nobody_from_outside_and_all_encrypted" {
  command = apply

  assert {
    condition     = aws_db_instance.this.publicly_accessible == false
    error_message = "The database is public."
  }
  assert {
    condition     = aws_db_instance.this.vpc_security_group_ids == toset(["sg-1"])
    error_message = "Other groups may reach the database."
  }
  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == module.key.arn && aws_db_instance.this.performance_insights_kms_key_id == module.key.arn
    error_message = "The database is not encrypted with its own key."
  }
  assert {
    condition     = contains([for p in aws_db_parameter_group.this.parameter : "${p.name}=${p.value}"], "rds.force_ssl=1")
    error_message = "PostgreSQL takes connections without TLS."
  }
  assert {
    condition     = contains([for p in aws_db_parameter_group.this.parameter : "${p.name}=${p.value}"], "synchronous_commit=on")
    error_message = "PostgreSQL may lose acknowledged events."
  }
}

run "survives" {
  command = apply

  assert {
    condition     = aws_db_instance.this.multi_az
    error_message = "There is no standby."
  }
  assert {
    condition     = aws_db_instance.this.backup_retention_period == 35 && !aws_db_instance.this.delete_automated_backups
    error_message = "Backups do not reach back 35 days, or go with the instance."
  }
  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier != null
    error_message = "The database can be deleted for good."
  }
  assert {
    condition     = aws_db_instance.this.max_allocated_storage > aws_db_instance.this.allocated_storage
    error_message = "The disk does not grow."
  }
}

run "logs_end" {
  command = apply

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 90 && group.kms_key_id == var.log_key_arn])
    error_message = "The database's logs are kept for ever, or lie open."
  }
  assert {
    condition     = aws_db_instance.this.enabled_cloudwatch_logs_exports == toset([for group in aws_cloudwatch_log_group.this : basename(group.name)])
    error_message = "RDS writes a log whose group is not made here."
  }
}

run "no_backup_is_refused" {
  command = plan

  variables {
    backup_days = 0
  }

  expect_failures = [var.backup_days]
}

run "one_zone_is_refused" {
  command = plan

  variables {
    subnet_ids = ["subnet-a"]
  }

  expect_failures = [var.subnet_ids]
}

run "an_old_postgresql_is_refused" {
  command = plan

  variables {
    engine_version = "12"
  }

  expect_failures = [var.engine_version]
}

run "a_disk_that_cannot_grow_is_refused" {
  command = plan

  variables {
    max_storage_gb = 200
  }

  expect_failures = [var.max_storage_gb]
}
