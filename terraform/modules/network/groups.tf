# Who may talk to whom, all in one place: the internet → load balancer → servers → database and cache.

locals {
  groups = {
    balancer = "the load balancer"
    service  = "EventFlow's servers"
    database = "PostgreSQL"
    cache    = "the cache"
  }
  # Connections inside the VPC: from, to, port.
  inside = {
    balancer-service = { from = "balancer", to = "service", port = 8080 }
    service-database = { from = "service", to = "database", port = 5432 }
    service-cache    = { from = "service", to = "cache", port = 6379 }
  }
  # Where clients come in: 443, and 80, which only sends them to 443.
  clients = { for pair in setproduct(var.client_cidrs, [80, 443]) : "${pair[0]}-${pair[1]}" => { cidr = pair[0], port = pair[1] } }
}

resource "aws_security_group" "this" {
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = "Of ${each.value}"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = local.clients

  security_group_id = aws_security_group.this["balancer"].id
  description       = "Clients"
  cidr_ipv4         = each.value.cidr
  from_port         = each.value.port
  to_port           = each.value.port
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "inside" {
  for_each = local.inside

  security_group_id            = aws_security_group.this[each.value.from].id
  description                  = "To ${local.groups[each.value.to]}"
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  from_port                    = each.value.port
  to_port                      = each.value.port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  for_each = local.inside

  security_group_id            = aws_security_group.this[each.value.to].id
  description                  = "From ${local.groups[each.value.from]}"
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  from_port                    = each.value.port
  to_port                      = each.value.port
  ip_protocol                  = "tcp"
}

# Images, secrets, logs, and whatever the servers call: over TLS only.
resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = { for port in var.service_egress_ports : tostring(port) => port }

  security_group_id = aws_security_group.this["service"].id
  description       = "To AWS and the internet"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = each.value
  to_port           = each.value
  ip_protocol       = "tcp"
}
