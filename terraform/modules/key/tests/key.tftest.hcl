mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name        = "events-logs"
  description = "Logs"
}

run "turns_over_and_obeys_its_account_alone" {
  command = apply

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key does not turn over."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.this.policy).Statement : values(statement.Principal)[0]
    ] == ["arn:aws:iam::123456789012:root"]
    error_message = "Somebody but the own account may use the key."
  }
}

run "a_service_needs_a_condition" {
  command = plan

  variables {
    users = [{ service = "logs.amazonaws.com", actions = ["kms:Decrypt"], condition = {} }]
  }

  expect_failures = [var.users]
}
