# A whole installation out of the other modules. The two environments differ in sizes only.

locals {
  metric_namespace = "EventFlow"
  database         = { name = "eventflow", username = "eventflow" }
  # A server has two pools, for events and for the catalog. Each may have this many connections,
  # so that a rolling deploy, which has twice as many servers for a while, stays below nine
  # tenths of what the database takes.
  connections_per_pool = floor(0.9 * var.database.max_connections / (2 * 2 * var.servers.max))
}

module "network" {
  source = "../network"

  name                 = var.name
  cidr                 = var.cidr
  zones                = var.zones
  nat_per_zone         = var.nat_per_zone
  client_cidrs         = var.client_cidrs
  service_egress_ports = var.service_egress_ports
  flow_log_group_arn   = module.observability.log_groups["flow"].arn
}

module "secrets" {
  source = "../secrets"

  name          = var.name
  cache_address = module.cache.address

  database = {
    address              = module.database.address
    name                 = local.database.name
    username             = local.database.username
    connections_per_pool = local.connections_per_pool
  }
}

module "database" {
  source = "../database"

  name                = var.name
  subnet_ids          = module.network.subnet_ids.data
  security_group_id   = module.network.group_ids["database"]
  instance_class      = var.database.instance_class
  storage_gb          = var.database.storage_gb
  max_storage_gb      = var.database.max_storage_gb
  max_connections     = var.database.max_connections
  multi_az            = var.database.multi_az
  backup_days         = var.database.backup_days
  deletion_protection = var.deletion_protection
  database_name       = local.database.name
  username            = local.database.username
  password            = module.secrets.database_password
  log_days            = var.log_days
  log_key_arn         = module.observability.key_arn
}

module "cache" {
  source = "../cache"

  name              = var.name
  subnet_ids        = module.network.subnet_ids.data
  security_group_id = module.network.group_ids["cache"]
  node_type         = var.cache.node_type
  nodes             = var.cache.nodes
  password          = module.secrets.cache_password
}

module "service" {
  source = "../service"

  name                = var.name
  image               = var.image
  ecr_repository_arn  = var.ecr_repository_arn
  shell_image         = var.shell_image
  collector_image     = var.collector_image
  architecture        = var.architecture
  cpu                 = var.servers.cpu
  memory              = var.servers.memory
  servers             = { min = var.servers.min, max = var.servers.max }
  settings            = var.settings
  secret_arns         = merge(module.secrets.arns, var.secret_arns)
  secret_key_arn      = module.secrets.key_arn
  database_ca         = var.database_ca
  vpc_id              = module.network.vpc_id
  vpc_cidr            = module.network.cidr
  subnet_ids          = module.network.subnet_ids
  group_ids           = module.network.group_ids
  certificate_arn     = var.certificate_arn
  hostname            = var.hostname
  zone_id             = var.zone_id
  access_log_bucket   = var.access_log_bucket
  deletion_protection = var.deletion_protection
  log_group           = module.observability.log_groups["server"]
  metric_log_group    = module.observability.log_groups["metrics"]
  metric_namespace    = local.metric_namespace
  collected_metrics   = module.observability.collected_metrics
  rollback_alarms     = module.observability.rollback_alarms
}

module "observability" {
  source = "../observability"

  name             = var.name
  log_days         = var.log_days
  emails           = var.emails
  balancer         = module.service.balancer
  cluster          = module.service.cluster
  metric_namespace = local.metric_namespace
  database         = { identifier = module.database.identifier, max_connections = var.database.max_connections }
}
