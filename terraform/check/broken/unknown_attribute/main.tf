# wants: This object has no argument, nested block, or exported attribute named "hostname"

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "aws_db_instance" "this" {
  instance_class = "db.t4g.medium"
}

output "address" {
  value = aws_db_instance.this.hostname
}
