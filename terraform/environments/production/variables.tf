variable "region" {
  description = "AWS's region."
  type        = string
  default     = "eu-central-1"
}

variable "image" {
  description = "EventFlow's image, by version or digest."
  type        = string
}

variable "hostname" {
  description = "Where people and programs reach EventFlow."
  type        = string
}

variable "certificate_arn" {
  description = "The certificate for the host name, in ACM."
  type        = string
}

variable "zone_id" {
  description = "The Route 53 zone of the host name."
  type        = string
  default     = null
}

variable "database_ca_file" {
  description = "The region's authorities of RDS, a PEM file; the README says where it is from."
  type        = string
  default     = "rds-ca.pem"
}

variable "emails" {
  description = "Who is told of alarms, by severity."
  type        = object({ critical = list(string), high = optional(list(string), []), medium = optional(list(string), []) })
}
