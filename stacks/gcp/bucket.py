"""The run's bucket on Cloud Storage: private, versioned, old versions expiring; always encrypted by the service."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage

from stacks.naming import gcp_labels, resource_name


@dataclass(frozen=True, slots=True)
class ArtifactBucketArgs:
    """What a bucket needs to know."""

    run: str
    location: str
    old_versions_days: int = 7
    emptied_on_destroy: bool = True


class ArtifactBucket(pulumi.ComponentResource):
    """A bucket for job, checkpoints and artifact of one run. `bucket_name` is the name, `url` what fsspec opens.

    Cloud Storage encrypts every object at rest with keys of its own. Soft deletion is off, because a destroyed run
    must leave nothing behind that is kept and paid for; versions do its work while the run lives.
    """

    bucket_name: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: ArtifactBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stratos:gcp:ArtifactBucket", name, None, opts)
        bucket = storage.Bucket(
            resource_name(args.run, "artifacts"),
            location=args.location,
            force_destroy=args.emptied_on_destroy,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            lifecycle_rules=[_expire_old_versions(args.old_versions_days), _abort_uploads()],
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=0),
            labels=gcp_labels(args.run),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket_name = bucket.name
        self.url = bucket.url
        self.register_outputs({"bucket_name": self.bucket_name, "url": self.url})


def _expire_old_versions(days: int) -> storage.BucketLifecycleRuleArgs:
    return storage.BucketLifecycleRuleArgs(
        action=storage.BucketLifecycleRuleActionArgs(type="Delete"),
        condition=storage.BucketLifecycleRuleConditionArgs(days_since_noncurrent_time=days, with_state="ARCHIVED"),
    )


def _abort_uploads() -> storage.BucketLifecycleRuleArgs:
    return storage.BucketLifecycleRuleArgs(
        action=storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
        condition=storage.BucketLifecycleRuleConditionArgs(age=1),
    )
