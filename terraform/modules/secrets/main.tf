# What nobody types: AWS makes it once, Terraform's state and Secrets Manager keep it.
# The state therefore holds secrets: its bucket is encrypted and private (README).

module "key" {
  source = "../key"

  name        = "${var.name}-secrets"
  description = "Secrets of ${var.name}"
}

# A new text is made at every plan. ignore_changes below keeps the first one.
data "aws_secretsmanager_random_password" "this" {
  for_each = local.generated

  password_length     = each.value
  exclude_punctuation = true # they become parts of URLs
}

locals {
  generated = { secret = 64, database = 40, cache = 64 }
}

resource "aws_secretsmanager_secret" "generated" {
  for_each = local.generated

  name                    = "${var.name}/${each.key}"
  kms_key_id              = module.key.arn
  recovery_window_in_days = 30
}

resource "aws_secretsmanager_secret_version" "generated" {
  for_each = local.generated

  secret_id     = aws_secretsmanager_secret.generated[each.key].id
  secret_string = data.aws_secretsmanager_random_password.this[each.key].random_password

  lifecycle {
    ignore_changes = [secret_string]
  }
}

# The URLs that the servers are given: address and password in one.
resource "aws_secretsmanager_secret" "url" {
  for_each = toset(["store", "redis"])

  name                    = "${var.name}/${each.key}"
  kms_key_id              = module.key.arn
  recovery_window_in_days = 30
}

resource "aws_secretsmanager_secret_version" "store" {
  secret_id = aws_secretsmanager_secret.url["store"].id
  secret_string = format(
    "postgres://%s:%s@%s:5432/%s?sslmode=verify-full&sslrootcert=/run/database-ca/ca.pem&pool_max_conns=%d",
    var.database.username, aws_secretsmanager_secret_version.generated["database"].secret_string,
    var.database.address, var.database.name, var.database.connections_per_pool,
  )
}

# ElastiCache's certificate is signed by Amazon's public authority, which the image knows.
resource "aws_secretsmanager_secret_version" "redis" {
  secret_id     = aws_secretsmanager_secret.url["redis"].id
  secret_string = "rediss://:${aws_secretsmanager_secret_version.generated["cache"].secret_string}@${var.cache_address}:6379/0"
}
