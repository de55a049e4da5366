package account

import (
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var ec2ComputeService = service{
	kinds: []world.Kind{
		{
			Name: "ec2.region_settings", Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "no-ebs-default", Share: 0.3, Drift: 0.1}, {Name: "snapshot-sharing", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return regional("aws.ec2.region_settings", it), map[string]posture.Result{
					"aws-ec2-region-ebs-encryption-default":         failIf(it.Has("no-ebs-default")),
					"aws-ec2-region-snapshot-public-access-blocked": failIf(it.Has("snapshot-sharing")),
				}
			},
		},
		{
			Name: "ec2.instance", Count: 3,
			Defects: []world.Defect{{Name: "imds-v1", Share: 0.15, Drift: 0.1}, {Name: "public-ip", Share: 0.1, Drift: 0.1}, {Name: "no-monitoring", Share: 0.2}, {Name: "old-family", Share: 0.05},
				{Name: "enclave", Share: 0.2}, {Name: "stopped", Share: 0.05, Drift: 0.2}},
			Expect: expectInstance,
		},
		{
			Name: "ec2.volume", Count: 3, Defects: []world.Defect{{Name: "plain", Share: 0.15}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				recent := posture.Unknown // a recovery point might be recent; those are not collected
				if snapshot := s.Find("ec2.snapshot", it.Region, it.Index); snapshot != nil && !snapshot.Has("old") {
					recent = posture.Pass
				}
				return keyOf("aws.ec2.volume", it, ec2ID(it, "vol")), map[string]posture.Result{
					"aws-ec2-volume-encrypted":           failIf(it.Has("plain")),
					"aws-ec2-volume-has-recent-snapshot": recent,
					"aws-ec2-volume-in-backup-plan":      posture.Unknown,
					"aws-ec2-volume-protected-by-backup": posture.Unknown,
				}
			},
		},
		{
			Name: "ec2.snapshot", Count: 3, Defects: []world.Defect{{Name: "plain", Share: 0.15}, {Name: "public", Drift: 0.06}, {Name: "old", Share: 0.2, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.snapshot", it, ec2ID(it, "snap")), map[string]posture.Result{
					"aws-ec2-snapshot-not-public": failIf(it.Has("public")),
					"aws-ec2-snapshot-encrypted":  failIf(it.Has("plain")),
				}
			},
		},
		{
			Name: "ec2.image", Count: 1, Defects: []world.Defect{{Name: "public", Share: 0.05, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.image", it, ec2ID(it, "ami")), map[string]posture.Result{"aws-ec2-image-not-public": failIf(it.Has("public"))}
			},
		},
		{
			Name: "ec2.launch_template", Count: 1, Fixed: true, Defects: []world.Defect{{Name: "public-ip", Share: 0.1, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.launch_template", it, ec2ID(it, "lt")), map[string]posture.Result{"aws-ec2-launch-template-no-public-ip": failIf(it.Has("public-ip"))}
			},
		},
	},
	handle: handleEC2Compute,
}

func expectInstance(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	exposed := func(defects ...string) bool {
		for _, g := range instanceGroups(s, it) {
			if opened(s.Find("ec2.security_group", it.Region, g), defects...) {
				return true
			}
		}
		return false
	}
	whenRunning := func(r posture.Result) posture.Result {
		if it.Has("stopped") {
			return posture.DoesNotApply
		}
		return r
	}
	onEnclaveHost := func(defect bool) posture.Result {
		if !it.Has("enclave") {
			return posture.DoesNotApply
		}
		return failIf(defect)
	}
	publicSubnet := it.Has("public-ip") || s.Find("ec2.vpc", it.Region, appVPC).Has("all-public")
	return keyOf("aws.ec2.instance", it, ec2ID(it, "i")), map[string]posture.Result{
		"aws-ec2-instance-imdsv2-required":         failIf(it.Has("imds-v1")),
		"aws-ec2-instance-no-public-ip":            failIf(it.Has("public-ip")),
		"aws-ec2-instance-in-vpc":                  posture.Pass,
		"aws-ec2-instance-no-exposed-admin-ports":  failIf(exposed("open-ssh", "open-rdp", "open-all")),
		"aws-ec2-instance-no-exposed-data-ports":   failIf(exposed("open-data", "open-all")),
		"aws-ec2-instance-no-exposed-legacy-ports": failIf(exposed("open-legacy", "open-all")),
		"aws-ec2-instance-ssm-managed":             whenRunning(failIf(!reached(s, it))),
		"aws-ec2-instance-detailed-monitoring":     whenRunning(failIf(it.Has("no-monitoring"))),
		"aws-ec2-instance-ebs-optimized":           failIf(it.Has("old-family")),
		"aws-ec2-instance-protected-by-backup":     posture.Unknown, // not collected
		"aws-ec2-enclave-host-not-public":          onEnclaveHost(publicSubnet),
		"aws-ec2-enclave-host-no-open-ingress":     onEnclaveHost(exposed("open-ssh", "open-rdp", "open-data", "open-legacy", "open-8080", "open-all")),
		"aws-ec2-enclave-host-running":             onEnclaveHost(it.Has("stopped")),
	}
}

// instanceSubnet: instances live in the private subnet of the application VPC, those with a public address in the public one.
func instanceSubnet(it *world.Item) int {
	if it.Has("public-ip") {
		return 2
	}
	return 3
}

// instanceGroups: all have the application's group, the first also the spare one.
func instanceGroups(s *world.State, it *world.Item) []int {
	if it.Index == 0 && !unused(s.Find("ec2.security_group", it.Region, groupSpare)) {
		return []int{groupApp, groupSpare}
	}
	return []int{groupApp}
}

func instanceIP(it *world.Item) string { return fmt.Sprintf("198.51.100.%d", it.Pick(250, "ip")+1) }

func handleEC2Compute(s *aws.Server, w *states) {
	settings := func(state *world.State, region string) *world.Item {
		return state.Find("ec2.region_settings", region, 0)
	}
	aws.Handle(s, func(c aws.Call[*ec2.GetEbsEncryptionByDefaultInput]) (*ec2.GetEbsEncryptionByDefaultOutput, error) {
		return &ec2.GetEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: sdk.Bool(!settings(at(w, c), c.Region).Has("no-ebs-default"))}, nil
	})
	aws.Handle(s, func(aws.Call[*ec2.GetEbsDefaultKmsKeyIdInput]) (*ec2.GetEbsDefaultKmsKeyIdOutput, error) {
		return &ec2.GetEbsDefaultKmsKeyIdOutput{KmsKeyId: sdk.String("alias/aws/ebs")}, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.GetSnapshotBlockPublicAccessStateInput]) (*ec2.GetSnapshotBlockPublicAccessStateOutput, error) {
		state := types.SnapshotBlockPublicAccessStateBlockAllSharing
		if settings(at(w, c), c.Region).Has("snapshot-sharing") {
			state = types.SnapshotBlockPublicAccessStateBlockNewSharing
		}
		return &ec2.GetSnapshotBlockPublicAccessStateOutput{State: state}, nil
	})
	aws.Handle(s, func(aws.Call[*ec2.GetImageBlockPublicAccessStateInput]) (*ec2.GetImageBlockPublicAccessStateOutput, error) {
		return &ec2.GetImageBlockPublicAccessStateOutput{ImageBlockPublicAccessState: sdk.String("block-new-sharing")}, nil
	})
	aws.Handle(s, func(aws.Call[*ec2.GetInstanceMetadataDefaultsInput]) (*ec2.GetInstanceMetadataDefaultsOutput, error) {
		return &ec2.GetInstanceMetadataDefaultsOutput{AccountLevel: &types.InstanceMetadataDefaultsResponse{HttpTokens: types.HttpTokensStateRequired}}, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeVpcBlockPublicAccessOptionsInput]) (*ec2.DescribeVpcBlockPublicAccessOptionsOutput, error) {
		return &ec2.DescribeVpcBlockPublicAccessOptionsOutput{VpcBlockPublicAccessOptions: &types.VpcBlockPublicAccessOptions{AwsAccountId: sdk.String(c.Account), AwsRegion: sdk.String(c.Region),
			InternetGatewayBlockMode: types.InternetGatewayBlockModeOff, State: types.VpcBlockPublicAccessStateDefaultState}}, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeInstancesInput]) (*ec2.DescribeInstancesOutput, error) {
		out := &ec2.DescribeInstancesOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.instance", c.Region) {
			out.Reservations = append(out.Reservations, types.Reservation{ReservationId: sdk.String(ec2ID(it, "r")), OwnerId: sdk.String(c.Account), Instances: []types.Instance{instance(state, it)}})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeVolumesInput]) (*ec2.DescribeVolumesOutput, error) {
		out := &ec2.DescribeVolumesOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.volume", c.Region) {
			v := types.Volume{VolumeId: sdk.String(ec2ID(it, "vol")), State: types.VolumeStateInUse, Encrypted: sdk.Bool(!it.Has("plain")), Size: sdk.Int32(int32(20 + it.Pick(200, "size"))), CreateTime: sdk.Time(state.Long(it, 100)),
				AvailabilityZone: sdk.String(c.Region + "a"), VolumeType: types.VolumeTypeGp3,
				Attachments: []types.VolumeAttachment{{InstanceId: sdk.String(ec2ID(state.Find("ec2.instance", c.Region, 0), "i")), State: types.VolumeAttachmentStateAttached, Device: sdk.String("/dev/xvda")}}}
			if !it.Has("plain") {
				v.KmsKeyId = sdk.String(it.ARN("kms", c.Region, "key/ebs"))
			}
			out.Volumes = append(out.Volumes, v)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeSnapshotsInput]) (*ec2.DescribeSnapshotsOutput, error) {
		out := &ec2.DescribeSnapshotsOutput{}
		state := at(w, c)
		publicOnly := len(c.Input.RestorableByUserIds) > 0
		for _, it := range state.In("ec2.snapshot", c.Region) {
			if publicOnly && !it.Has("public") {
				continue
			}
			// The volume may be gone; its snapshot keeps its id.
			volume := &world.Item{}
			*volume = *it
			volume.Kind = "ec2.volume"
			started := state.Since(it, 5, "snapshot")
			if it.Has("old") {
				started = state.Long(it, 100)
			}
			snapshot := types.Snapshot{SnapshotId: sdk.String(ec2ID(it, "snap")), VolumeId: sdk.String(ec2ID(volume, "vol")), State: types.SnapshotStateCompleted, Encrypted: sdk.Bool(!it.Has("plain")), OwnerId: sdk.String(c.Account),
				StartTime: sdk.Time(started), StorageTier: types.StorageTierStandard, VolumeSize: sdk.Int32(20)}
			if !it.Has("plain") {
				snapshot.KmsKeyId = sdk.String(it.ARN("kms", c.Region, "key/ebs"))
			}
			out.Snapshots = append(out.Snapshots, snapshot)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeImagesInput]) (*ec2.DescribeImagesOutput, error) {
		out := &ec2.DescribeImagesOutput{}
		for _, it := range at(w, c).In("ec2.image", c.Region) {
			out.Images = append(out.Images, types.Image{ImageId: sdk.String(ec2ID(it, "ami")), Name: sdk.String("golden-" + it.Name()), State: types.ImageStateAvailable, Public: sdk.Bool(it.Has("public")), OwnerId: sdk.String(c.Account), CreationDate: sdk.String("2025-06-01T00:00:00.000Z"),
				BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: sdk.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{Encrypted: sdk.Bool(true)}}}})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeLaunchTemplatesInput]) (*ec2.DescribeLaunchTemplatesOutput, error) {
		out := &ec2.DescribeLaunchTemplatesOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.launch_template", c.Region) {
			out.LaunchTemplates = append(out.LaunchTemplates, types.LaunchTemplate{LaunchTemplateId: sdk.String(ec2ID(it, "lt")), LaunchTemplateName: sdk.String(it.Name()), DefaultVersionNumber: sdk.Int64(1), LatestVersionNumber: sdk.Int64(2), CreateTime: sdk.Time(state.Long(it, 90))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeLaunchTemplateVersionsInput]) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
		out := &ec2.DescribeLaunchTemplateVersionsOutput{}
		for _, it := range at(w, c).In("ec2.launch_template", c.Region) {
			for version := int64(1); version <= 2; version++ {
				data := &types.ResponseLaunchTemplateData{MetadataOptions: &types.LaunchTemplateInstanceMetadataOptions{HttpTokens: types.LaunchTemplateHttpTokensStateRequired}, UserData: sdk.String("c2VjcmV0"),
					NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecification{{DeviceIndex: sdk.Int32(0), AssociatePublicIpAddress: sdk.Bool(version == 2 && it.Has("public-ip"))}}}
				out.LaunchTemplateVersions = append(out.LaunchTemplateVersions, types.LaunchTemplateVersion{LaunchTemplateId: sdk.String(ec2ID(it, "lt")), LaunchTemplateName: sdk.String(it.Name()), VersionNumber: sdk.Int64(version), DefaultVersion: sdk.Bool(version == 1), LaunchTemplateData: data})
			}
		}
		return out, nil
	})
}

func instance(state *world.State, it *world.Item) types.Instance {
	vpc := state.Find("ec2.vpc", it.Region, appVPC)
	i := types.Instance{
		InstanceId: sdk.String(ec2ID(it, "i")), InstanceType: types.InstanceTypeM6iLarge, LaunchTime: sdk.Time(state.Long(it, 30)), VpcId: sdk.String(ec2ID(vpc, "vpc")),
		SubnetId: sdk.String(ec2ID(state.Find("ec2.subnet", it.Region, instanceSubnet(it)), "subnet")), State: &types.InstanceState{Name: types.InstanceStateNameRunning, Code: sdk.Int32(16)},
		MetadataOptions: &types.InstanceMetadataOptionsResponse{HttpTokens: types.HttpTokensStateRequired, HttpEndpoint: types.InstanceMetadataEndpointStateEnabled, HttpPutResponseHopLimit: sdk.Int32(2)},
		Monitoring:      &types.Monitoring{State: types.MonitoringStateEnabled}, EbsOptimized: sdk.Bool(true), EnclaveOptions: &types.EnclaveOptions{Enabled: sdk.Bool(it.Has("enclave"))},
		Tags: []types.Tag{{Key: sdk.String("Name"), Value: sdk.String(it.Name())}},
	}
	if it.Has("imds-v1") {
		i.MetadataOptions.HttpTokens = types.HttpTokensStateOptional
	}
	if it.Has("no-monitoring") {
		i.Monitoring.State = types.MonitoringStateDisabled
	}
	if it.Has("old-family") {
		i.InstanceType, i.EbsOptimized = types.InstanceTypeM3Large, sdk.Bool(false)
	}
	if it.Has("stopped") {
		i.State = &types.InstanceState{Name: types.InstanceStateNameStopped, Code: sdk.Int32(80)}
	}
	if it.Has("public-ip") {
		i.PublicIpAddress = sdk.String(instanceIP(it))
	}
	for _, g := range instanceGroups(state, it) {
		i.SecurityGroups = append(i.SecurityGroups, types.GroupIdentifier{GroupId: sdk.String(ec2ID(state.Find("ec2.security_group", it.Region, g), "sg")), GroupName: sdk.String("group")})
	}
	return i
}
