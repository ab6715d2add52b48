output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "The VPC's addresses."
  value       = aws_vpc.this.cidr_block
}

output "subnet_ids" {
  description = "Subnets by kind: public, private, data."
  value = {
    public  = [for zone in local.zones : aws_subnet.public[zone].id]
    private = [for zone in local.zones : aws_subnet.private[zone].id]
    data    = [for zone in local.zones : aws_subnet.data[zone].id]
  }
}

output "group_ids" {
  description = "Security groups: balancer, service, database, cache."
  value       = { for name, group in aws_security_group.this : name => group.id }
}
