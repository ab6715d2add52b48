# wants: Inappropriate value for attribute "backup_retention_period": a number is required

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_db_instance" "this" {
  instance_class          = "db.t4g.medium"
  backup_retention_period = "a week"
}
