mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
}

# By name, because OpenTofu makes up one id for all.
override_resource {
  target = aws_route_table.public
  values = { id = "rtb-public" }
}

override_resource {
  target = aws_route_table.data
  values = { id = "rtb-data" }
}

variables {
  name                 = "events"
  cidr                 = "10.30.0.0/16"
  zones                = 3
  nat_per_zone         = true
  client_cidrs         = ["0.0.0.0/0"]
  service_egress_ports = [443]
  flow_log_group_arn   = "arn:aws:logs:eu-central-1:123456789012:log-group:/events/flow"
}

run "three_zones" {
  command = apply

  assert {
    condition     = alltrue([for kind in ["public", "private", "data"] : length(output.subnet_ids[kind]) == 3])
    error_message = "Not every kind of subnet is in every zone."
  }
  assert {
    condition = length(distinct(concat(
      [for s in aws_subnet.public : s.cidr_block], [for s in aws_subnet.private : s.cidr_block], [for s in aws_subnet.data : s.cidr_block],
    ))) == 9
    error_message = "Subnets overlap."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(distinct(values(local.nat_of))) == 3
    error_message = "The loss of a zone would cut off another."
  }
  assert {
    condition     = alltrue([for s in aws_subnet.public : s.map_public_ip_on_launch == false])
    error_message = "What is started in a public subnet gets a public address."
  }
}

# A table gets a way out by an aws_route alone: there is one kind for public, one for private.
run "data_has_no_way_out" {
  command = apply

  assert {
    condition     = !contains(concat([aws_route.public.route_table_id], [for route in aws_route.private : route.route_table_id]), aws_route_table.data.id)
    error_message = "The databases' subnets have a way out."
  }
  assert {
    condition     = alltrue([for association in aws_route_table_association.data : association.route_table_id == aws_route_table.data.id])
    error_message = "A database's subnet hangs on another table."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.outside : rule.security_group_id == aws_security_group.this["service"].id])
    error_message = "Something but the servers may talk to the internet."
  }
}

run "the_internet_reaches_the_balancer_alone" {
  command = apply

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.clients : rule.security_group_id == aws_security_group.this["balancer"].id])
    error_message = "Clients get past the load balancer."
  }
  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.clients : rule.from_port]) == toset([80, 443])
    error_message = "The load balancer is open on other ports."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.inside : rule.cidr_ipv4 == null || rule.referenced_security_group_id != null])
    error_message = "Addresses instead of a group are let in inside the VPC."
  }
  assert {
    condition = toset([for rule in local.inside : "${rule.from} to ${rule.to} at ${rule.port}"]) == toset([
      "balancer to service at 8080", "service to database at 5432", "service to cache at 6379",
    ])
    error_message = "The database lets in somebody but the servers, or more may talk to each other."
  }
  assert {
    condition = (aws_vpc_security_group_ingress_rule.inside["service-database"].security_group_id == aws_security_group.this["database"].id &&
    aws_vpc_security_group_ingress_rule.inside["service-database"].referenced_security_group_id == aws_security_group.this["service"].id)
    error_message = "The database lets in somebody but the servers."
  }
}

run "one_nat_for_all" {
  command = apply

  variables {
    nat_per_zone = false
    zones        = 2
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.private) == 2
    error_message = "Not one NAT gateway for both zones."
  }
}

run "the_flow_role_writes_its_log_alone" {
  command = apply

  assert {
    condition     = flatten([for s in jsondecode(aws_iam_role_policy.flow.policy).Statement : s.Resource]) == ["${var.flow_log_group_arn}:*"]
    error_message = "The role for flow logs may do more than write them."
  }
}

run "one_zone_is_refused" {
  command = plan

  variables {
    zones = 1
  }

  expect_failures = [var.zones]
}

run "a_small_network_is_refused" {
  command = plan

  variables {
    cidr = "10.30.0.0/24"
  }

  expect_failures = [var.cidr]
}
