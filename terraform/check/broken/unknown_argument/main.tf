# wants: named "multi_azz" is not expected here

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_db_instance" "this" {
  instance_class = "db.t4g.medium"
  multi_azz      = true
}
