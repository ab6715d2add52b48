variable "name" {
  description = "What the installation is called."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets without a way out."
  type        = list(string)
}

variable "security_group_id" {
  description = "The group that lets the servers in."
  type        = string
}

variable "node_type" {
  description = "Size of a node."
  type        = string
}

variable "nodes" {
  description = "1, or more in several zones with one that takes over."
  type        = number

  validation {
    condition     = var.nodes >= 1 && var.nodes <= 6
    error_message = "nodes must be 1 to 6."
  }
}

variable "password" {
  description = "What the servers sign in with."
  type        = string
  sensitive   = true
}
