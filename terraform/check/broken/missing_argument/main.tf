# wants: The argument "instance_class" is required

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_db_instance" "this" {
  engine = "postgres"
}
