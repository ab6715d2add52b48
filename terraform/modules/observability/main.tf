data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  region  = data.aws_region.this.region
  account = data.aws_caller_identity.this.account_id
}

module "key" {
  source = "../key"

  name        = "${var.name}-logs"
  description = "Logs and alarms of ${var.name}"

  users = [
    {
      service = "logs.${local.region}.amazonaws.com"
      actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
      condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [
        for group in ["/${var.name}/*", "/aws/rds/instance/${var.name}/*"] :
        "arn:${data.aws_partition.this.partition}:logs:${local.region}:${local.account}:log-group:${group}"
      ] } }
    },
    {
      service   = "cloudwatch.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      condition = { StringEquals = { "aws:SourceAccount" = [local.account] } }
    },
  ]
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = { server = var.log_days, metrics = 7, flow = var.log_days }

  name              = "/${var.name}/${each.key}"
  retention_in_days = each.value
  kms_key_id        = module.key.arn
}

# One topic for each severity: who is woken by one need not be by the others.
resource "aws_sns_topic" "this" {
  for_each = toset(["critical", "high", "medium"])

  name              = "${var.name}-${each.key}"
  kms_master_key_id = module.key.arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each = merge([
    for severity, addresses in var.emails : { for address in addresses : "${severity}-${address}" => { severity = severity, address = address } }
  ]...)

  topic_arn = aws_sns_topic.this[each.value.severity].arn
  protocol  = "email"
  endpoint  = each.value.address
}
