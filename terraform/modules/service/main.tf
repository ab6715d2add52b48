resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_ecs_service" "this" {
  name             = var.name
  cluster          = aws_ecs_cluster.this.id
  task_definition  = aws_ecs_task_definition.this.arn
  launch_type      = "FARGATE"
  platform_version = "1.4.0"
  desired_count    = var.servers.min

  # New servers are ready before old ones stop. They migrate the database at their start,
  # under a lock of the database, so there is no step of its own for that.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 300
  availability_zone_rebalancing      = "ENABLED"

  # Servers that do not become ready, and servers under which an alarm goes off, are taken
  # back by themselves. `terraform apply` waits and fails when that happens.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  alarms {
    enable      = true
    rollback    = true
    alarm_names = var.rollback_alarms
  }

  wait_for_steady_state = true

  network_configuration {
    subnets          = var.subnet_ids.private
    security_groups  = [var.group_ids.service]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = aws_lb_target_group.this
    content {
      target_group_arn = load_balancer.value.arn
      container_name   = "eventflow"
      container_port   = 8080
    }
  }

  enable_execute_command = false # there is no shell to get into; see the README for commands
  propagate_tags         = "SERVICE"

  lifecycle {
    ignore_changes = [desired_count] # the scaling's business
  }

  # A target group takes servers only once a listener sends to it.
  depends_on = [aws_lb_listener.https, aws_lb_listener_rule.ingest, aws_iam_role_policy.execution]
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.servers.min
  max_capacity       = var.servers.max
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  resource_id        = aws_appautoscaling_target.this.resource_id
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_in_cooldown  = 600 # live tails and polls move at each step
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
