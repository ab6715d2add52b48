# wants: Blocks of type "circuit_breaker" are not expected here

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_ecs_service" "this" {
  name = "events"

  circuit_breaker {
    enable = true
  }
}
