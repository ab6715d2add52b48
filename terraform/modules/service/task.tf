data "aws_region" "this" {}

locals {
  # A container that may do nothing but its work.
  restricted = {
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters        = { capabilities = { drop = ["ALL"], add = [] } }
  }
  logs = {
    for part in ["eventflow", "database-ca", "collector"] : part => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = var.log_group.name
        awslogs-region        = data.aws_region.this.region
        awslogs-stream-prefix = part
      }
    }
  }

  settings = merge({
    EVENTFLOW_ADDR          = ":8080"
    EVENTFLOW_PUBLIC_URL    = "https://${var.hostname}"
    EVENTFLOW_DRAIN_TIMEOUT = "${var.drain_seconds}s"
    # Only the load balancer can reach the servers, so what it says of clients is true.
    EVENTFLOW_TRUSTED_PROXIES = var.vpc_cidr
    # Longer than the load balancer keeps an idle connection, or the server would close one
    # while a request is on its way.
    EVENTFLOW_IDLE_TIMEOUT = "${var.balancer_idle_seconds + 60}s"
  }, var.settings)

  server = merge(local.restricted, {
    name             = "eventflow"
    image            = var.image
    command          = ["serve"]
    essential        = true
    user             = "65532:65532"
    environment      = [for name, value in local.settings : { name = name, value = value }]
    secrets          = [for name, arn in var.secret_arns : { name = name, valueFrom = arn }]
    portMappings     = [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }]
    dependsOn        = [{ containerName = "database-ca", condition = "SUCCESS" }]
    logConfiguration = local.logs["eventflow"]
    # The draining, and what is queued and the databases after that; Fargate allows 120.
    stopTimeout = var.drain_seconds + 35
    # It writes no file: all that it keeps is in the database.
    mountPoints = [{ sourceVolume = "database-ca", containerPath = "/run/database-ca", readOnly = true }]
  })

  # RDS's certificates are signed by an authority that no image knows. This container writes
  # it to a file and ends; the server, which has no shell, starts after it.
  authority = merge(local.restricted, {
    name             = "database-ca"
    image            = var.shell_image
    command          = ["sh", "-c", "printf '%s\\n' \"$DATABASE_CA\" > /run/database-ca/ca.pem"]
    essential        = false
    environment      = [{ name = "DATABASE_CA", value = var.database_ca }]
    logConfiguration = local.logs["database-ca"]
    mountPoints      = [{ sourceVolume = "database-ca", containerPath = "/run/database-ca", readOnly = false }]
  })

  # Reads the server's metrics as a program on the same machine may, and turns those that
  # alarms need into metrics of CloudWatch. The server goes on without it.
  collector = merge(local.restricted, {
    name             = "collector"
    image            = var.collector_image
    essential        = false
    environment      = [{ name = "AOT_CONFIG_CONTENT", value = yamlencode(local.collector_config) }]
    logConfiguration = local.logs["collector"]
    mountPoints      = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
  })

  collector_config = {
    receivers = {
      prometheus = {
        config = {
          scrape_configs = [{
            job_name        = "eventflow"
            scrape_interval = "60s"
            static_configs  = [{ targets = ["127.0.0.1:8080"], labels = { installation = var.name } }]
            metric_relabel_configs = [{
              source_labels = ["__name__"]
              regex         = join("|", keys(var.collected_metrics))
              action        = "keep"
            }]
          }]
        }
      }
    }
    processors = { batch = { timeout = "60s" } }
    exporters = {
      awsemf = {
        namespace               = var.metric_namespace
        region                  = data.aws_region.this.region
        log_group_name          = var.metric_log_group.name
        log_stream_name         = "{TaskId}"
        dimension_rollup_option = "NoDimensionRollup"
        # Streams and groups are no dimensions: each would cost as a metric of its own.
        metric_declarations = [for name, labels in var.collected_metrics : { dimensions = [labels], metric_name_selectors = ["^${name}$"] }]
      }
    }
    service = { pipelines = { metrics = { receivers = ["prometheus"], processors = ["batch"], exporters = ["awsemf"] } } }
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.server, local.authority, local.collector])

  # Old revisions stay, to go back to.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "tmp"
  }

  volume {
    name = "database-ca"
  }
}
