# Like production in kind, so that what works here works there; small where size is all that differs.

locals {
  environment = "staging"
}

module "eventflow" {
  source = "../../modules/platform"

  name            = "eventflow-${local.environment}"
  image           = var.image
  hostname        = var.hostname
  certificate_arn = var.certificate_arn
  zone_id         = var.zone_id
  database_ca     = file(var.database_ca_file)
  emails          = var.emails

  cidr         = "10.20.0.0/16"
  zones        = 2
  nat_per_zone = false
  servers      = { min = 2, max = 3, cpu = 512, memory = 1024 }
  cache        = { node_type = "cache.t4g.micro", nodes = 1 }
  log_days     = 14

  database = {
    instance_class  = "db.t4g.medium"
    storage_gb      = 20
    max_storage_gb  = 100
    max_connections = 200
    multi_az        = true
    backup_days     = 7
  }
}
