"""The run's bucket on S3: private, encrypted, versioned, reached over TLS only, old versions expiring."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from stacks.naming import aws_tags, resource_name


@dataclass(frozen=True, slots=True)
class ArtifactBucketArgs:
    """What a bucket needs to know."""

    run: str
    old_versions_days: int = 7
    emptied_on_destroy: bool = True


class ArtifactBucket(pulumi.ComponentResource):
    """A bucket for job, checkpoints and artifact of one run. `bucket_name` is the name, `url` what fsspec opens."""

    bucket_name: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: ArtifactBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stratos:aws:ArtifactBucket", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(
            resource_name(args.run, "artifacts"),
            force_destroy=args.emptied_on_destroy,
            tags=aws_tags(args.run),
            opts=mine,
        )
        _keep_private(name, bucket, mine)
        _encrypt(name, bucket, mine)
        _keep_versions(name, bucket, args.old_versions_days, self)
        self.bucket_name = bucket.bucket
        self.url = bucket.bucket.apply(lambda bucket_name: f"s3://{bucket_name}")
        self.register_outputs({"bucket_name": self.bucket_name, "url": self.url})


def _keep_private(name: str, bucket: s3.Bucket, opts: pulumi.ResourceOptions) -> None:
    block = s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    s3.BucketOwnershipControls(
        f"{name}-owner",
        bucket=bucket.id,
        rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=opts,
    )
    s3.BucketPolicy(
        f"{name}-tls",
        bucket=bucket.id,
        policy=bucket.arn.apply(_tls_only),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[block])),
    )


def _tls_only(arn: str) -> str:
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _encrypt(name: str, bucket: s3.Bucket, opts: pulumi.ResourceOptions) -> None:
    by_default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="AES256"
    )
    s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encrypted",
        bucket=bucket.id,
        rules=[s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=by_default)],
        opts=opts,
    )


def _keep_versions(name: str, bucket: s3.Bucket, old_versions_days: int, parent: pulumi.Resource) -> None:
    versioning = s3.BucketVersioning(
        f"{name}-versions",
        bucket=bucket.id,
        versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    s3.BucketLifecycleConfiguration(
        f"{name}-expiry",
        bucket=bucket.id,
        rules=[
            s3.BucketLifecycleConfigurationRuleArgs(
                id="old-versions",
                status="Enabled",
                filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=old_versions_days
                ),
                abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=1
                ),
            )
        ],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[versioning]),
    )
