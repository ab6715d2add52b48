mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
}

variables {
  name            = "events"
  image           = "ghcr.io/eventflow-go/eventflow:1.2.3"
  hostname        = "events.example.com"
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
  database_ca     = "-----BEGIN CERTIFICATE-----\nnot a real one\n-----END CERTIFICATE-----\n"
  cidr            = "10.30.0.0/16"
  zones           = 2
  nat_per_zone    = false
  servers         = { min = 2, max = 3, cpu = 512, memory = 1024 }
  cache           = { node_type = "cache.t4g.micro", nodes = 1 }
  log_days        = 14
  emails          = { critical = ["on-call@example.com"], high = [], medium = [] }
  database = {
    instance_class = "db.t4g.medium", storage_gb = 20, max_storage_gb = 100, max_connections = 200, multi_az = true, backup_days = 7
  }
}

run "connections_are_enough_for_a_deploy" {
  command = apply

  # Twice three servers with two pools each.
  assert {
    condition     = 2 * 3 * 2 * local.connections_per_pool <= 0.9 * 200 && local.connections_per_pool >= 10
    error_message = "Servers take ${local.connections_per_pool} connections in a pool."
  }
  assert {
    condition     = startswith(output.run_task, "--cluster events --task-definition events --launch-type FARGATE --network-configuration 'awsvpcConfiguration={subnets=[")
    error_message = "Commands run elsewhere: ${output.run_task}"
  }
}

run "a_url_for_a_hostname_is_refused" {
  command = plan

  variables {
    hostname = "https://events.example.com"
  }

  expect_failures = [var.hostname]
}

run "a_long_name_is_refused" {
  command = plan

  variables {
    name = "the-events-of-our-whole-company"
  }

  expect_failures = [var.name]
}

run "a_certificate_of_elsewhere_is_refused" {
  command = plan

  variables {
    certificate_arn = "/etc/ssl/events.pem"
  }

  expect_failures = [var.certificate_arn]
}

run "too_few_connections_are_refused" {
  command = plan

  variables {
    database = {
      instance_class = "db.t4g.medium", storage_gb = 20, max_storage_gb = 100, max_connections = 100, multi_az = true, backup_days = 7
    }
  }

  expect_failures = [var.database]
}
