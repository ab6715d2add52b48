variable "name" {
  description = "What the installation is called."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets without a way out, in two zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must be in two zones or more."
  }
}

variable "security_group_id" {
  description = "The group that lets the servers in."
  type        = string
}

variable "engine_version" {
  description = "PostgreSQL's major version."
  type        = string
  default     = "17"

  validation {
    condition     = can(tonumber(var.engine_version)) && try(tonumber(var.engine_version) >= 13, false)
    error_message = "engine_version must be a major version, 13 or later."
  }
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
}

variable "storage_gb" {
  description = "Disk at the beginning, GB."
  type        = number
}

variable "max_storage_gb" {
  description = "Disk that it may grow to by itself, GB."
  type        = number

  validation {
    condition     = var.max_storage_gb > var.storage_gb
    error_message = "max_storage_gb must be more than storage_gb, or the disk does not grow."
  }
}

variable "max_connections" {
  description = "Connections that PostgreSQL takes."
  type        = number
}

variable "multi_az" {
  description = "A standby in another zone, which takes over by itself within a minute or two."
  type        = bool
}

variable "backup_days" {
  description = "Days that can be restored to any second."
  type        = number

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days must be 7 to 35."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the database."
  type        = bool
}

variable "database_name" {
  description = "The database in PostgreSQL."
  type        = string
}

variable "username" {
  description = "PostgreSQL's user."
  type        = string
}

variable "password" {
  description = "The user's password."
  type        = string
  sensitive   = true
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "log_key_arn" {
  description = "The key that logs are encrypted with."
  type        = string
}
