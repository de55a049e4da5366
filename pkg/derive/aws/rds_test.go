package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// database is an instance of cluster "orders" on port 5432 with groups sg-1 and sg-2 in two subnets.
func database(change func(*schema.DBInstance), refused ...string) *posture.Resource {
	d := &schema.DBInstance{ClusterID: "orders", Port: 5432, SecurityGroupIDs: []string{"sg-1", "sg-2"}, SubnetIDs: []string{"subnet-1", "subnet-2"}}
	if change != nil {
		change(d)
	}
	return resource(schema.DBInstanceType, "arn:aws:rds:eu-west-1:111122223333:db:orders-1", d, refused...)
}

func TestDatabaseClusters(t *testing.T) {
	cluster := func(name string, protected bool, refused ...string) *posture.Resource {
		return resource(schema.DBClusterType, "arn:aws:rds:eu-west-1:111122223333:cluster:"+name,
			&schema.DBCluster{Meta: posture.Meta{Name: name}, DeletionProtection: protected}, refused...)
	}
	clusters := []*posture.Type{schema.DBClusterType}
	check(t, map[string]derivation{
		"a member is protected by its cluster": {
			resources: []*posture.Resource{database(nil), cluster("orders", true), cluster("other", false)},
			want:      map[string]any{"cluster_deletion_protection": true},
		},
		"or not": {
			resources: []*posture.Resource{database(nil), cluster("orders", false)},
			want:      map[string]any{"cluster_deletion_protection": false},
		},
		"the cluster of that name in another region is another one": {
			resources: append([]*posture.Resource{database(nil)}, append(abroad(cluster("orders", true)), cluster("orders", false))...),
			want:      map[string]any{"cluster_deletion_protection": false},
		},
		"outside a cluster there is nothing to say, whatever was not listed": {
			refused:   clusters,
			resources: []*posture.Resource{database(func(d *schema.DBInstance) { d.ClusterID = "" })},
			want:      map[string]any{"cluster_deletion_protection": nil},
		},
		"a cluster that was not listed": {
			refused: clusters, resources: []*posture.Resource{database(nil)},
			want: map[string]any{"cluster_deletion_protection": "unread: list aws.rds.cluster"},
		},
		"clusters that were not listed in another region": {
			abroad: clusters, resources: []*posture.Resource{database(nil), cluster("orders", true)},
			want: map[string]any{"cluster_deletion_protection": true},
		},
		"a cluster that no list has": {
			resources: []*posture.Resource{database(nil)},
			want:      map[string]any{"cluster_deletion_protection": "unread: RDS.DescribeDBClusters"},
		},
		"a refused setting of the cluster": {
			resources: []*posture.Resource{database(nil), cluster("orders", true, "deletion_protection")},
			want:      map[string]any{"cluster_deletion_protection": "unread: read deletion_protection"},
		},
		"a refused cluster id": {
			resources: []*posture.Resource{database(nil, "cluster_id"), cluster("orders", true)},
			want:      map[string]any{"cluster_deletion_protection": "unread: read cluster_id"},
		},
	})
}

func TestDatabaseGroups(t *testing.T) {
	everything := func(protocol string) *posture.Resource {
		return secGroup("sg-1", schema.SecurityGroup{Ingress: []schema.IngressRule{{Protocol: protocol, ToPort: 65535, CIDR: "0.0.0.0/0"}}})
	}
	groups := []*posture.Type{schema.SecurityGroupType}
	check(t, map[string]derivation{
		"its port is open to everybody": {
			resources: []*posture.Resource{database(nil), closed("sg-1"), opens("sg-2", 5432)}, want: map[string]any{"security_group_open": true},
		},
		"another port is none of its": {
			resources: []*posture.Resource{database(nil), closed("sg-1"), opens("sg-2", 443)}, want: map[string]any{"security_group_open": false},
		},
		"a range holds its port": {
			resources: []*posture.Resource{database(nil), everything("all"), closed("sg-2")}, want: map[string]any{"security_group_open": true},
		},
		"one of UDP does not": {
			resources: []*posture.Resource{database(nil), everything("udp"), closed("sg-2")}, want: map[string]any{"security_group_open": false},
		},
		"one open group is enough though another was not listed": {
			refused:   groups,
			resources: []*posture.Resource{database(nil), opens("sg-1", 5432)}, want: map[string]any{"security_group_open": true},
		},
		"a group that was not listed may open it": {
			refused:   groups,
			resources: []*posture.Resource{database(nil), opens("sg-1", 443)},
			want:      map[string]any{"security_group_open": "unread: list aws.ec2.security_group"},
		},
		"groups of another region may not": {
			abroad:    groups,
			resources: []*posture.Resource{database(nil), closed("sg-1"), closed("sg-2")}, want: map[string]any{"security_group_open": false},
		},
		"a group that no list has may": {
			resources: []*posture.Resource{database(nil), closed("sg-1")}, want: map[string]any{"security_group_open": "unread: EC2.DescribeSecurityGroups"},
		},
		"refused rules of a group may": {
			resources: []*posture.Resource{database(nil), opens("sg-1", 443), opens("sg-2", 443, "ingress")},
			want:      map[string]any{"security_group_open": "unread: read ingress"},
		},
		"a refused port leaves it open": {
			resources: []*posture.Resource{database(nil, "port"), closed("sg-1"), opens("sg-2", 5432)},
			want:      map[string]any{"security_group_open": "unread: read port"},
		},
		"refused groups leave it open": {
			resources: []*posture.Resource{database(nil, "security_group_ids"), opens("sg-1", 5432)},
			want:      map[string]any{"security_group_open": "unread: read security_group_ids"},
		},
	})
}

func TestDatabaseSubnets(t *testing.T) {
	in := func(id string) *posture.Resource { return subnet(id, schema.Subnet{VPCID: "vpc-1"}) }
	table := func(target string, refused ...string) *posture.Resource {
		return routes("rtb-1", target, ofSubnet, refused...)
	}
	main := func() *posture.Resource { return routes("rtb-2", "nat_gateway", isMain) }
	subnets := []*posture.Type{schema.SubnetType}
	check(t, map[string]derivation{
		"one of its subnets is public": {
			resources: []*posture.Resource{database(nil), in("subnet-1"), in("subnet-2"), table("internet_gateway"), main()},
			want:      map[string]any{"subnet_public": true},
		},
		"none is": {
			resources: []*posture.Resource{database(nil), in("subnet-1"), in("subnet-2"), table("nat_gateway"), main()},
			want:      map[string]any{"subnet_public": false},
		},
		"one is, though another was not listed": {
			refused:   subnets,
			resources: []*posture.Resource{database(nil), in("subnet-1"), table("internet_gateway")},
			want:      map[string]any{"subnet_public": true},
		},
		"one that was not listed may be": {
			refused:   subnets,
			resources: []*posture.Resource{database(nil), in("subnet-1"), table("nat_gateway")},
			want:      map[string]any{"subnet_public": "unread: list aws.ec2.subnet"},
		},
		"those not listed in another region are none of its": {
			abroad:    []*posture.Type{schema.SubnetType, schema.RouteTableType},
			resources: []*posture.Resource{database(nil), in("subnet-1"), in("subnet-2"), main()},
			want:      map[string]any{"subnet_public": false},
		},
		"one that no list has may be": {
			resources: []*posture.Resource{database(nil), in("subnet-1"), main()},
			want:      map[string]any{"subnet_public": "unread: EC2.DescribeSubnets"},
		},
		"whatever another region lacks": {
			abroad:    subnets,
			resources: []*posture.Resource{database(nil), in("subnet-1"), main()},
			want:      map[string]any{"subnet_public": "unread: EC2.DescribeSubnets"},
		},
		"one whose routes were refused may be": {
			resources: []*posture.Resource{database(nil), in("subnet-1"), in("subnet-2"), table("internet_gateway", "routes"), main()},
			want:      map[string]any{"subnet_public": "unread: read routes"},
		},
		"refused subnets leave it open": {
			resources: []*posture.Resource{database(nil, "subnet_ids"), in("subnet-1"), in("subnet-2"), main()},
			want:      map[string]any{"subnet_public": "unread: read subnet_ids"},
		},
	})
}
