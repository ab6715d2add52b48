variable "name" {
  description = "What the installation is called; begins the names of all that belongs to it."
  type        = string
}

variable "cidr" {
  description = "The VPC's addresses, a /16."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && endswith(var.cidr, "/16")
    error_message = "cidr must be a /16 like 10.20.0.0/16: it is cut into /20 subnets."
  }
}

variable "zones" {
  description = "Availability zones."
  type        = number

  validation {
    condition     = var.zones >= 2 && var.zones <= 4
    error_message = "zones must be 2 to 4: a load balancer and a Multi-AZ database need two."
  }
}

variable "nat_per_zone" {
  description = "One NAT gateway in each zone, so that the loss of a zone cuts off no other; else one in all."
  type        = bool
}

variable "client_cidrs" {
  description = "Networks from which clients may come."
  type        = list(string)
}

variable "service_egress_ports" {
  description = "TCP ports that the servers may reach outside: 443, and that of the mail server."
  type        = list(number)
}

variable "flow_log_group_arn" {
  description = "The log group for refused connections."
  type        = string
}
