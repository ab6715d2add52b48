variable "name" {
  description = "What the installation is called; begins the names of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 24
    error_message = "name must be lower-case letters, digits and single hyphens, at most 24: load balancers take 32."
  }
}

variable "image" {
  description = "EventFlow's image, by version or digest. A deploy is another value here, a rollback the one before."
  type        = string
}

variable "ecr_repository_arn" {
  description = "The image's repository, if it is in ECR and private."
  type        = string
  default     = null
}

variable "shell_image" {
  description = "An image with sh, which writes the database's authority to a file. Pin it by digest."
  type        = string
  default     = "public.ecr.aws/docker/library/busybox:1.37"
}

variable "collector_image" {
  description = "AWS's OpenTelemetry collector. Pin it by digest."
  type        = string
  default     = "public.ecr.aws/aws-observability/aws-otel-collector:v0.40.0"
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
  default     = "ARM64"
}

variable "hostname" {
  description = "Where people and programs reach EventFlow, like events.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([-a-z0-9]*[a-z0-9])?\\.)+[a-z]{2,}$", var.hostname))
    error_message = "hostname must be a name like events.example.com, without https://."
  }
}

variable "certificate_arn" {
  description = "The certificate for the host name, in ACM, of the same region."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[-a-z]*:acm:[-a-z0-9]+:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM."
  }
}

variable "zone_id" {
  description = "The Route 53 zone of the host name; without one, point the name at the load balancer yourself."
  type        = string
  default     = null
}

variable "database_ca" {
  description = "The authorities that sign certificates of RDS in this region, PEM."
  type        = string
}

variable "cidr" {
  description = "The VPC's addresses, a /16."
  type        = string
}

variable "zones" {
  description = "Availability zones."
  type        = number
}

variable "nat_per_zone" {
  description = "One NAT gateway in each zone; else one in all."
  type        = bool
}

variable "client_cidrs" {
  description = "Networks from which clients may come."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "service_egress_ports" {
  description = "TCP ports that the servers may reach outside."
  type        = list(number)
  default     = [443, 465]
}

variable "servers" {
  description = "The servers: how many, and CPU (1024 is one) and memory (MB) of each."
  type        = object({ min = number, max = number, cpu = number, memory = number })
}

variable "database" {
  description = "The database's size."
  type = object({
    instance_class  = string
    storage_gb      = number
    max_storage_gb  = number
    max_connections = number
    multi_az        = bool
    backup_days     = number
  })

  validation {
    condition     = floor(0.9 * var.database.max_connections / (2 * 2 * var.servers.max)) >= 10
    error_message = "database.max_connections must be at least 45 for each of servers.max: two pools of ten each, and twice as many servers during a deploy."
  }
}

variable "cache" {
  description = "The cache's size."
  type        = object({ node_type = string, nodes = number })
}

variable "settings" {
  description = "More settings of the server, EVENTFLOW_… or OTEL_…; none that is secret."
  type        = map(string)
  default     = {}
}

variable "secret_arns" {
  description = "More secrets for the server, by variable, like EVENTFLOW_SMTP. They are encrypted with the installation's secrets key."
  type        = map(string)
  default     = {}
}

variable "access_log_bucket" {
  description = "A bucket for the load balancer's access logs, which lets it write there."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to delete database and load balancer."
  type        = bool
  default     = true
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "emails" {
  description = "Who is told of alarms, by severity."
  type        = object({ critical = list(string), high = list(string), medium = list(string) })
}
