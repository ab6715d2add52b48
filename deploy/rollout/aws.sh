#!/usr/bin/env bash
# Rolls out on AWS, by Terraform: ENVIRONMENT is staging or production.
#
#   aws.sh prepare         # writes the files below from BACKEND_HCL and TFVARS, and runs init
#   aws.sh current
#   aws.sh apply IMAGE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../terraform/environments/${ENVIRONMENT:?staging or production}"
name=eventflow-$ENVIRONMENT
terraform=${TERRAFORM:-terraform}

# What ECS runs. A circuit breaker that has gone back to the image before leaves
# Terraform content: only the service itself tells.
running() {
  local definition
  definition=$(aws ecs describe-services --cluster "$name" --services "$name" --query 'services[0].taskDefinition' --output text)
  [ "$definition" = None ] || aws ecs describe-task-definition --task-definition "$definition" \
    --query "taskDefinition.containerDefinitions[?name=='eventflow'].image | [0]" --output text
}

case "${1:-} $#" in
'prepare 1')
  printf '%s\n' "${BACKEND_HCL:?}" >backend.hcl
  printf '%s\n' "${TFVARS:?}" >terraform.tfvars
  # One region's authorities: all of them are too long for a task definition.
  curl -fsS --retry 3 -o rds-ca.pem "https://truststore.pki.rds.amazonaws.com/${AWS_REGION:?}/$AWS_REGION-bundle.pem"
  "$terraform" init -input=false -backend-config=backend.hcl
  ;;
'current 1')
  # The first roll-out finds no service.
  "$terraform" output -raw url >/dev/null 2>&1 || exit 0
  running
  ;;
'apply 2')
  "$terraform" apply -input=false -auto-approve -var "image=$2" >&2
  [ "$(running)" = "$2" ] || { echo "aws.sh: ECS went back to $(running); see the events of the service $name" >&2; exit 1; }
  ;;
*) echo "usage: $0 prepare | current | apply IMAGE" >&2 && exit 2 ;;
esac
