# A KMS key of its own for each purpose, so that who may read logs may not read secrets.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

resource "aws_kms_key" "this" {
  description             = var.description
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        # Without it nobody could ever change the key again. IAM says who of the account may.
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*" # in a key's policy: this key
      },
      ], [
      for user in var.users : {
        Effect    = "Allow"
        Principal = { Service = user.service }
        Action    = user.actions
        Resource  = "*"
        Condition = user.condition
      }
    ])
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
