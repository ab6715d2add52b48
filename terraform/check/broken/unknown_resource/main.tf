# wants: does not support resource type "aws_ecs_clutser"

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_ecs_clutser" "this" {
  name = "events"
}
