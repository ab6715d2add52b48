variable "name" {
  description = "What the installation is called."
  type        = string
}

variable "image" {
  description = "The image, by digest or by a version."
  type        = string

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:v?[0-9]+\\.[0-9]+\\.[0-9]+[-.+0-9A-Za-z]*)$", var.image))
    error_message = "image must end with a version like :1.2.3 or a digest: what moves, like :latest, cannot be rolled back."
  }
}

variable "shell_image" {
  description = "An image with sh, which writes the database's authority to a file."
  type        = string
}

variable "collector_image" {
  description = "AWS's OpenTelemetry collector."
  type        = string
}

variable "ecr_repository_arn" {
  description = "The image's repository, if it is in ECR and private."
  type        = string
  default     = null
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture must be X86_64 or ARM64."
  }
}

variable "cpu" {
  description = "CPU of a server, 1024 is one."
  type        = number
}

variable "memory" {
  description = "Memory of a server, MB."
  type        = number
}

variable "servers" {
  description = "How many servers there are at least and at most."
  type        = object({ min = number, max = number })

  validation {
    condition     = var.servers.min >= 1 && var.servers.max >= var.servers.min
    error_message = "servers.min must be at least 1, and max not below it."
  }
}

variable "drain_seconds" {
  description = "What requests in flight get when a server stops, seconds."
  type        = number
  default     = 30

  validation {
    condition     = var.drain_seconds >= 1 && var.drain_seconds <= 85
    error_message = "drain_seconds must be 1 to 85: Fargate ends a container after 120 seconds, of which 35 are for queue and databases."
  }
}

variable "balancer_idle_seconds" {
  description = "How long the load balancer keeps a connection on which nothing moves."
  type        = number
  default     = 120

  validation {
    condition     = var.balancer_idle_seconds > 30 && var.balancer_idle_seconds <= 4000
    error_message = "balancer_idle_seconds must be more than the 30 seconds that a poll waits, and at most 4000."
  }
}

variable "settings" {
  description = "More settings of the server, EVENTFLOW_… or OTEL_…; none that is secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^(EVENTFLOW|OTEL)_[A-Z0-9_]+$", name))])
    error_message = "settings must be names like EVENTFLOW_LOG_LEVEL."
  }

  validation {
    condition     = length(setintersection(keys(var.settings), ["EVENTFLOW_SECRET", "EVENTFLOW_STORE", "EVENTFLOW_REDIS", "EVENTFLOW_SMTP", "EVENTFLOW_METRICS_TOKEN"])) == 0
    error_message = "settings must not hold secrets: they are readable in the task definition. Use secret_arns."
  }
}

variable "secret_arns" {
  description = "Secrets that become environment variables, by variable."
  type        = map(string)
}

variable "secret_key_arn" {
  description = "The key that the secrets are encrypted with."
  type        = string
}

variable "database_ca" {
  description = "The authorities that sign the database's certificate, PEM."
  type        = string

  validation {
    condition     = startswith(trimspace(var.database_ca), "-----BEGIN CERTIFICATE-----") && length(var.database_ca) < 40000
    error_message = "database_ca must be PEM, and that of one region: a task definition holds 64 KB."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "vpc_cidr" {
  description = "The VPC's addresses."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for the load balancer and for the servers."
  type        = object({ public = list(string), private = list(string) })
}

variable "group_ids" {
  description = "Security groups of the load balancer and of the servers."
  type        = object({ balancer = string, service = string })
}

variable "certificate_arn" {
  description = "The certificate for the host name, in ACM."
  type        = string
}

variable "hostname" {
  description = "Where people and programs reach EventFlow."
  type        = string
}

variable "zone_id" {
  description = "The Route 53 zone of the host name; without one, point the name at the load balancer yourself."
  type        = string
  default     = null
}

variable "access_log_bucket" {
  description = "A bucket for the load balancer's access logs, which lets it write there."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to delete the load balancer."
  type        = bool
}

variable "log_group" {
  description = "Where the containers log."
  type        = object({ name = string, arn = string })
}

variable "metric_log_group" {
  description = "Where the collector writes metrics."
  type        = object({ name = string, arn = string })
}

variable "metric_namespace" {
  description = "The namespace of the collector's metrics."
  type        = string
}

variable "collected_metrics" {
  description = "The server's metrics that CloudWatch gets: labels that are dimensions, by name."
  type        = map(list(string))
}

variable "rollback_alarms" {
  description = "Alarms that take a deployment back."
  type        = list(string)
}
