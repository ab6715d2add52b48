# The whole installation, as far as it goes without AWS.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  image            = "ghcr.io/eventflow-go/eventflow:1.2.3"
  hostname         = "events.example.com"
  certificate_arn  = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  zone_id          = "Z0123456789ABCDEFGHIJ"
  database_ca_file = "tests/ca.pem"
  emails           = { critical = ["on-call@example.com"] }
}

run "all_of_it" {
  command = apply

  assert {
    condition     = output.url == "https://events.example.com"
    error_message = "The URL is another."
  }
  assert {
    condition     = strcontains(output.run_task, "--cluster eventflow-staging ")
    error_message = "Commands run elsewhere: ${output.run_task}"
  }
}
