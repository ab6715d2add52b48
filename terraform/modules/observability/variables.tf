variable "name" {
  description = "What the installation is called."
  type        = string
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_days)
    error_message = "log_days must be one of the figures that CloudWatch knows, like 30, 90 or 365."
  }
}

variable "emails" {
  description = "Who is told, by severity."
  type        = object({ critical = list(string), high = list(string), medium = list(string) })

  validation {
    condition     = length(var.emails.critical) > 0
    error_message = "emails.critical must not be empty: somebody has to know when nothing works."
  }
}

variable "balancer" {
  description = "The load balancer and its target groups, as metrics name them."
  type        = object({ arn_suffix = string, target_groups = object({ api = string, ingest = string }) })
}

variable "cluster" {
  description = "The cluster of the service, which is called as the installation."
  type        = string
}

variable "database" {
  description = "The database instance and how many connections it takes."
  type        = object({ identifier = string, max_connections = number })
}

variable "metric_namespace" {
  description = "The namespace of the server's own metrics."
  type        = string
}
