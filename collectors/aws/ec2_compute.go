package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func collectInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeInstancesPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeInstancesInput{
		MaxResults: sdk.Int32(1000), IncludeManagedResources: sdk.Bool(true),
	})
	return listed("instances", pages(ctx, list, func(page *ec2.DescribeInstancesOutput) error {
		for _, reservation := range page.Reservations {
			for _, i := range reservation.Instances {
				if i.State == nil || i.State.Name != types.InstanceStateNameTerminated {
					emitInstance(i, emit)
				}
			}
		}
		return nil
	}))
}

func emitInstance(i types.Instance, emit collectors.Emit) {
	a := ec2Answer("DescribeInstances")
	metadata := orZero(i.MetadataOptions)
	instance := &schema.EC2Instance{
		Meta:                  ec2Meta(i.InstanceId, i.Tags),
		State:                 stated(a, "state", orZero(i.State).Name),
		InstanceType:          stated(a, "instance_type", i.InstanceType),
		LaunchedAt:            required(a, "launched_at", i.LaunchTime),
		VPCID:                 sdk.ToString(i.VpcId),
		SubnetID:              sdk.ToString(i.SubnetId),
		PublicIP:              sdk.ToString(i.PublicIpAddress),
		IAMInstanceProfileARN: sdk.ToString(orZero(i.IamInstanceProfile).Arn),
		Metadata: schema.InstanceMetadata{
			HTTPEndpoint: stated(a, "metadata.http_endpoint", metadata.HttpEndpoint),
			HTTPTokens:   stated(a, "metadata.http_tokens", metadata.HttpTokens),
			HopLimit:     int64(required(a, "metadata.hop_limit", metadata.HttpPutResponseHopLimit)),
		},
		MonitoringState: stated(a, "monitoring_state", orZero(i.Monitoring).State),
		EBSOptimized:    required(a, "ebs_optimized", i.EbsOptimized),
		EnclavesEnabled: required(a, "enclaves_enabled", orZero(i.EnclaveOptions).Enabled),
		Platform:        string(i.Platform),
	}
	groups := i.SecurityGroups // those of the primary interface; the others' are listed with them
	if address := sdk.ToString(i.Ipv6Address); address != "" {
		instance.IPv6Addresses = append(instance.IPv6Addresses, address)
	}
	for _, n := range i.NetworkInterfaces {
		groups = append(groups, n.Groups...)
		for _, address := range n.Ipv6Addresses {
			instance.IPv6Addresses = append(instance.IPv6Addresses, sdk.ToString(address.Ipv6Address))
		}
		associations := []*types.InstanceNetworkInterfaceAssociation{n.Association}
		for _, address := range n.PrivateIpAddresses {
			associations = append(associations, address.Association)
		}
		for _, association := range associations {
			if instance.PublicIP == "" {
				instance.PublicIP = sdk.ToString(orZero(association).PublicIp)
			}
		}
	}
	instance.IPv6Addresses = sortedUnique(instance.IPv6Addresses)
	instance.SecurityGroupIDs = groupIDs(groups)
	emit(sdk.ToString(i.InstanceId), instance, a.gaps...)
}

func groupIDs(groups []types.GroupIdentifier) []string {
	var out []string
	for _, g := range groups {
		out = append(out, sdk.ToString(g.GroupId))
	}
	return sortedUnique(out)
}

func collectVolumes(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeVolumesPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeVolumesInput{
		MaxResults: sdk.Int32(500), IncludeManagedResources: sdk.Bool(true),
	})
	return listed("volumes", pages(ctx, list, func(page *ec2.DescribeVolumesOutput) error {
		for _, v := range page.Volumes {
			a := ec2Answer("DescribeVolumes")
			volume := &schema.EBSVolume{
				Meta:      ec2Meta(v.VolumeId, v.Tags),
				State:     stated(a, "state", v.State),
				Encrypted: required(a, "encrypted", v.Encrypted),
				KMSKeyID:  sdk.ToString(v.KmsKeyId),
				SizeGiB:   int64(required(a, "size_gib", v.Size)),
			}
			volume.CreatedAt = posture.FromPtr(v.CreateTime)
			for _, attachment := range v.Attachments {
				if id := sdk.ToString(attachment.InstanceId); id != "" && attachment.State != types.VolumeAttachmentStateDetached {
					volume.AttachedInstanceIDs = append(volume.AttachedInstanceIDs, id)
				}
			}
			volume.AttachedInstanceIDs = sortedUnique(volume.AttachedInstanceIDs)
			emit(sdk.ToString(v.VolumeId), volume, a.gaps...)
		}
		return nil
	}))
}

// collectSnapshots asks for the account's snapshots twice. The second answer holds those that everybody may restore, which
// spares one call for each snapshot; when it is cut short, the snapshots it named are public and the others unread.
func collectSnapshots(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ec2.NewFromConfig(c.config)
	public := map[string]bool{}
	list := ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, RestorableByUserIds: []string{"all"}, MaxResults: sdk.Int32(1000),
	})
	publicErr := pages(ctx, list, func(page *ec2.DescribeSnapshotsOutput) error {
		for _, s := range page.Snapshots {
			public[sdk.ToString(s.SnapshotId)] = true
		}
		return nil
	})
	list = ec2.NewDescribeSnapshotsPaginator(api, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: sdk.Int32(1000)})
	return listed("snapshots", pages(ctx, list, func(page *ec2.DescribeSnapshotsOutput) error {
		for _, s := range page.Snapshots {
			a := ec2Answer("DescribeSnapshots")
			id := sdk.ToString(s.SnapshotId)
			snapshot := &schema.EBSSnapshot{
				Meta:        ec2Meta(s.SnapshotId, s.Tags),
				State:       stated(a, "state", s.State),
				VolumeID:    sdk.ToString(s.VolumeId),
				Encrypted:   required(a, "encrypted", s.Encrypted),
				KMSKeyID:    sdk.ToString(s.KmsKeyId),
				StartedAt:   required(a, "started_at", s.StartTime),
				StorageTier: string(s.StorageTier),
				Public:      public[id],
			}
			snapshot.CreatedAt = posture.FromPtr(s.StartTime)
			gaps := a.gaps
			if publicErr != nil && !public[id] {
				gaps = append(gaps, collectors.Unread(publicErr, "public"))
			}
			emit(id, snapshot, gaps...)
		}
		return nil
	}))
}

func collectImages(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeImagesPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: sdk.Bool(true), MaxResults: sdk.Int32(1000),
	})
	return listed("images", pages(ctx, list, func(page *ec2.DescribeImagesOutput) error {
		for _, i := range page.Images {
			emitImage(i, emit)
		}
		return nil
	}))
}

func emitImage(i types.Image, emit collectors.Emit) {
	a := ec2Answer("DescribeImages")
	image := &schema.Image{
		Meta:         ec2Meta(i.ImageId, i.Tags),
		State:        stated(a, "state", i.State),
		Public:       required(a, "public", i.Public),
		EncryptedAll: true,
	}
	if name := sdk.ToString(i.Name); name != "" {
		image.Name = name
	}
	encryptionKnown := true
	for _, mapping := range i.BlockDeviceMappings {
		if mapping.Ebs == nil {
			continue // instance store
		}
		encryptionKnown = encryptionKnown && mapping.Ebs.Encrypted != nil
		image.EncryptedAll = image.EncryptedAll && (mapping.Ebs.Encrypted == nil || *mapping.Ebs.Encrypted)
	}
	if image.EncryptedAll && !encryptionKnown {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("ebs.encrypted"), "encrypted_all"))
	}
	image.CreatedAt = date(a, "created_at", i.CreationDate)
	image.DeprecatedAt = date(a, "deprecated_at", i.DeprecationTime)
	emit(sdk.ToString(i.ImageId), image, a.gaps...)
}

// launchTemplates keeps user data, which often holds secrets, out of the journal.
var launchTemplates = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LaunchTemplateType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		ec2Operation("DescribeLaunchTemplates", collectors.Store),
		ec2Operation("DescribeLaunchTemplateVersions", collectors.Redact("userData")),
	},
	Collect: collectLaunchTemplates,
}

// collectLaunchTemplates reads the default and latest versions of all templates in one list. When that list fails, the
// templates whose two versions it did not name have unread versions.
func collectLaunchTemplates(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ec2.NewFromConfig(c.config)
	versions := map[string][]types.LaunchTemplateVersion{}
	versionList := ec2.NewDescribeLaunchTemplateVersionsPaginator(api, &ec2.DescribeLaunchTemplateVersionsInput{
		Versions: []string{"$Latest", "$Default"}, MaxResults: sdk.Int32(200), IncludeManagedResources: sdk.Bool(true),
	})
	versionErr := pages(ctx, versionList, func(page *ec2.DescribeLaunchTemplateVersionsOutput) error {
		for _, v := range page.LaunchTemplateVersions {
			id := sdk.ToString(v.LaunchTemplateId)
			versions[id] = append(versions[id], v)
		}
		return nil
	})
	list := ec2.NewDescribeLaunchTemplatesPaginator(api, &ec2.DescribeLaunchTemplatesInput{
		MaxResults: sdk.Int32(200), IncludeManagedResources: sdk.Bool(true),
	})
	return listed("launch templates", pages(ctx, list, func(page *ec2.DescribeLaunchTemplatesOutput) error {
		for _, t := range page.LaunchTemplates {
			id := sdk.ToString(t.LaunchTemplateId)
			emitLaunchTemplate(t, versions[id], versionErr, emit)
		}
		return nil
	}))
}

func emitLaunchTemplate(t types.LaunchTemplate, versions []types.LaunchTemplateVersion, versionErr error, emit collectors.Emit) {
	a := ec2Answer("DescribeLaunchTemplates")
	template := &schema.LaunchTemplate{
		Meta:           ec2Meta(t.LaunchTemplateId, t.Tags),
		DefaultVersion: required(a, "default_version", t.DefaultVersionNumber),
	}
	if name := sdk.ToString(t.LaunchTemplateName); name != "" {
		template.Name = name
	}
	template.CreatedAt = posture.FromPtr(t.CreateTime)
	gaps := a.gaps
	latest, hasDefault, seen := sdk.ToInt64(t.LatestVersionNumber), false, map[int64]bool{}
	for _, v := range versions {
		latest = max(latest, sdk.ToInt64(v.VersionNumber)) // one made since the templates were listed
	}
	for _, v := range versions {
		number := sdk.ToInt64(v.VersionNumber)
		if !seen[number] {
			template.Versions = append(template.Versions, launchTemplateVersion(v, latest))
			seen[number], hasDefault = true, hasDefault || sdk.ToBool(v.DefaultVersion)
		}
	}
	if !hasDefault || !seen[latest] {
		if versionErr == nil {
			versionErr = ec2Answer("DescribeLaunchTemplateVersions").lacks("the default or the latest version")
		}
		gaps = append(gaps, collectors.Unread(versionErr, "versions"))
	}
	emit(sdk.ToString(t.LaunchTemplateId), template, gaps...)
}

func launchTemplateVersion(v types.LaunchTemplateVersion, latest int64) schema.LaunchTemplateVersion {
	number, data := sdk.ToInt64(v.VersionNumber), orZero(v.LaunchTemplateData)
	out := schema.LaunchTemplateVersion{
		Version: number, IsDefault: sdk.ToBool(v.DefaultVersion), IsLatest: number == latest,
		HTTPTokens:   string(orZero(data.MetadataOptions).HttpTokens),
		HTTPEndpoint: string(orZero(data.MetadataOptions).HttpEndpoint),
	}
	for _, n := range data.NetworkInterfaces {
		out.AssociatePublicIP = out.AssociatePublicIP || sdk.ToBool(n.AssociatePublicIpAddress)
		if id := sdk.ToString(n.NetworkInterfaceId); id != "" {
			out.NetworkInterfaceIDs = append(out.NetworkInterfaceIDs, id)
		}
	}
	for _, mapping := range data.BlockDeviceMappings {
		if mapping.Ebs != nil && mapping.Ebs.Encrypted != nil && !*mapping.Ebs.Encrypted {
			out.EBSUnencrypted = true
		}
	}
	return out
}
