variable "name" {
  description = "The key's alias, without alias/."
  type        = string
}

variable "description" {
  description = "What the key encrypts."
  type        = string
}

variable "users" {
  description = "Services of AWS that use the key by themselves: what they may do, and on which condition."
  type        = list(object({ service = string, actions = list(string), condition = map(map(list(string))) }))
  default     = []

  validation {
    condition     = alltrue([for user in var.users : length(user.condition) > 0])
    error_message = "users need a condition: without one the service could use the key for other accounts, too."
  }
}
