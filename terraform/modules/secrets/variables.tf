variable "name" {
  description = "What the installation is called."
  type        = string
}

variable "database" {
  description = "Where PostgreSQL is, for the URL."
  type = object({
    address              = string
    name                 = string
    username             = string
    connections_per_pool = number
  })
}

variable "cache_address" {
  description = "Where the cache is, for the URL."
  type        = string
}
