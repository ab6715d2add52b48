terraform {
  required_version = ">= 1.10" # locks in S3 without a table

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # bucket, key, region and kms_key_id by `terraform init -backend-config=backend.hcl` (README).
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Application = "eventflow", Environment = local.environment, ManagedBy = "terraform" }
  }
}
