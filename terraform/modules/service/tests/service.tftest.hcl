mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name            = "events"
  image           = "ghcr.io/eventflow-go/eventflow:1.2.3"
  shell_image     = "busybox:1.37"
  collector_image = "collector:1.0.0"
  architecture    = "ARM64"
  cpu             = 2048
  memory          = 4096
  servers         = { min = 3, max = 9 }
  secret_arns = {
    EVENTFLOW_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a"
    EVENTFLOW_STORE  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:b"
  }
  secret_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  database_ca         = "-----BEGIN CERTIFICATE-----\nnot a real one\n-----END CERTIFICATE-----\n"
  vpc_id              = "vpc-1"
  vpc_cidr            = "10.30.0.0/16"
  subnet_ids          = { public = ["subnet-a", "subnet-b"], private = ["subnet-c", "subnet-d"] }
  group_ids           = { balancer = "sg-b", service = "sg-s" }
  certificate_arn     = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
  hostname            = "events.example.com"
  deletion_protection = true
  log_group           = { name = "/events/server", arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/events/server" }
  metric_log_group    = { name = "/events/metrics", arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/events/metrics" }
  metric_namespace    = "EventFlow"
  collected_metrics   = { eventflow_dead_letters = ["installation"], eventflow_rate_limit_demand_ratio = ["installation", "kind"] }
  rollback_alarms     = ["events-critical-errors"]
}

run "clients_use_tls" {
  command = apply

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13-1-2-")
    error_message = "The listener takes something older than TLS 1.2."
  }
  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Port 80 does more than send to port 443."
  }
  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.enable_deletion_protection
    error_message = "The load balancer lets through headers that two programs read in two ways, or can be deleted."
  }
}

run "a_deploy_rolls_and_comes_back" {
  command = apply

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "A version that does not start stays."
  }
  assert {
    condition     = aws_ecs_service.this.alarms[0].enable && aws_ecs_service.this.alarms[0].rollback && aws_ecs_service.this.alarms[0].alarm_names == toset(var.rollback_alarms)
    error_message = "A version that answers with errors stays."
  }
  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent >= 200
    error_message = "A deploy takes servers away before there are new ones."
  }
  assert {
    condition     = aws_ecs_service.this.wait_for_steady_state && aws_ecs_task_definition.this.skip_destroy
    error_message = "An apply does not see that a deploy was taken back, or there is nothing to go back to."
  }
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 3 && aws_appautoscaling_target.this.max_capacity == 9
    error_message = "The scaling has other bounds."
  }
}

run "servers_are_private" {
  command = apply

  assert {
    condition     = !aws_ecs_service.this.network_configuration[0].assign_public_ip && aws_ecs_service.this.network_configuration[0].subnets == toset(var.subnet_ids.private)
    error_message = "The servers have public addresses."
  }
  assert {
    condition     = toset([for b in aws_ecs_service.this.load_balancer : b.target_group_arn]) == toset([for g in aws_lb_target_group.this : g.arn]) && alltrue([for group in aws_lb_target_group.this : group.health_check[0].path == "/readyz"])
    error_message = "A server is sent requests that is not ready."
  }
  assert {
    condition     = alltrue([for group in aws_lb_target_group.this : group.health_check[0].interval * group.health_check[0].unhealthy_threshold >= 120])
    error_message = "ECS ends all servers while the database's standby takes over."
  }
  assert {
    condition     = alltrue([for action in aws_lb_listener_rule.ingest.action : action.target_group_arn == aws_lb_target_group.this["ingest"].arn])
    error_message = "What is ingest is not counted apart."
  }
}

run "containers_can_do_nothing_but_their_work" {
  command = apply

  assert {
    condition = alltrue([
      for container in jsondecode(aws_ecs_task_definition.this.container_definitions) :
      container.readonlyRootFilesystem && !container.privileged && container.linuxParameters.capabilities.drop == ["ALL"]
    ])
    error_message = "A container may write its image, or has capabilities."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65532:65532"
    error_message = "The server is root."
  }
  assert {
    condition     = [for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.name if container.essential] == ["eventflow"]
    error_message = "The loss of a helper takes the server down."
  }
}

run "secrets_are_no_plain_text" {
  command = apply

  assert {
    condition = (toset([for s in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets : s.name]) == toset(keys(var.secret_arns)) &&
    length(setintersection([for e in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : e.name], keys(var.secret_arns))) == 0)
    error_message = "A secret is readable in the task definition."
  }
}

run "times_fit" {
  command = apply

  assert {
    condition = { for e in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : e.name => e.value
    }["EVENTFLOW_IDLE_TIMEOUT"] == "${aws_lb.this.idle_timeout + 60}s"
    error_message = "The server closes connections on which the load balancer is about to send."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 65
    error_message = "ECS ends the server before it has drained."
  }
}

run "the_collector_reads_what_alarms_need" {
  command = apply

  assert {
    condition = jsonencode(yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[2].environment[0].value).exporters.awsemf.metric_declarations) == jsonencode([
      { dimensions = [["installation"]], metric_name_selectors = ["^eventflow_dead_letters$"] },
      { dimensions = [["installation", "kind"]], metric_name_selectors = ["^eventflow_rate_limit_demand_ratio$"] },
    ])
    error_message = "The collector's metrics have other names or dimensions."
  }
}

run "roles_may_little" {
  command = apply

  assert {
    condition = !contains(flatten([
      for policy in [aws_iam_role_policy.execution.policy, aws_iam_role_policy.task.policy] : [for s in jsondecode(policy).Statement : s.Resource]
    ]), "*")
    error_message = "A role has a statement for every resource."
  }
  assert {
    condition = alltrue([
      for action in flatten([
        for policy in [aws_iam_role_policy.execution.policy, aws_iam_role_policy.task.policy] : [for s in jsondecode(policy).Statement : s.Action]
      ]) : !endswith(action, "*")
    ])
    error_message = "A role may take actions that nobody has listed."
  }
  assert {
    condition     = toset([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "ReadSecrets"][0]) == toset(values(var.secret_arns))
    error_message = "ECS may read other secrets."
  }
  assert {
    condition     = flatten([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource]) == ["${var.metric_log_group.arn}:*"]
    error_message = "The programs may do more than write metrics."
  }
  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Tasks of other accounts may take the role."
  }
}

run "signing_in_to_ecr_alone_knows_no_resource" {
  command = apply

  variables {
    ecr_repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/eventflow"
  }

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Action if contains(s.Resource, "*")] == [["ecr:GetAuthorizationToken"]]
    error_message = "Another action is allowed on every resource."
  }
}

run "an_image_that_moves_is_refused" {
  command = plan

  variables {
    image = "ghcr.io/eventflow-go/eventflow:latest"
  }

  expect_failures = [var.image]
}

run "a_secret_among_the_settings_is_refused" {
  command = plan

  variables {
    settings = { EVENTFLOW_STORE = "postgres://eventflow:secret@db/eventflow" }
  }

  expect_failures = [var.settings]
}

run "what_is_no_setting_is_refused" {
  command = plan

  variables {
    settings = { log-level = "debug" }
  }

  expect_failures = [var.settings]
}

run "a_drain_that_fargate_cuts_off_is_refused" {
  command = plan

  variables {
    drain_seconds = 100
  }

  expect_failures = [var.drain_seconds]
}

run "a_balancer_that_cuts_off_polls_is_refused" {
  command = plan

  variables {
    balancer_idle_seconds = 20
  }

  expect_failures = [var.balancer_idle_seconds]
}

run "an_authority_that_is_none_is_refused" {
  command = plan

  variables {
    database_ca = "rds-ca.pem"
  }

  expect_failures = [var.database_ca]
}

run "fewer_servers_at_most_than_at_least_are_refused" {
  command = plan

  variables {
    servers = { min = 3, max = 2 }
  }

  expect_failures = [var.servers]
}

run "an_unknown_architecture_is_refused" {
  command = plan

  variables {
    architecture = "arm64"
  }

  expect_failures = [var.architecture]
}
