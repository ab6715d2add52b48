locals {
  environment = "production"
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

  cidr         = "10.30.0.0/16"
  zones        = 3
  nat_per_zone = true
  servers      = { min = 3, max = 9, cpu = 2048, memory = 4096 }
  cache        = { node_type = "cache.t4g.small", nodes = 2 }
  log_days     = 90

  database = {
    instance_class  = "db.m7g.xlarge"
    storage_gb      = 200
    max_storage_gb  = 2000
    max_connections = 1000
    multi_az        = true
    backup_days     = 35
  }
}
