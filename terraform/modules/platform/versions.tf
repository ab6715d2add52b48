terraform {
  required_version = ">= 1.9"

  required_providers {
    # tflint-ignore: terraform_unused_required_providers # without it, mock_provider of a test reaches no module
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}
