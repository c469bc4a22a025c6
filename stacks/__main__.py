"""The program that `pulumi up` runs: reads the run from the stack's configuration and exports its bucket."""

from __future__ import annotations

import sys
from pathlib import Path

import pulumi

sys.path.append(str(Path(__file__).resolve().parent.parent))


def main() -> None:
    config = pulumi.Config("stratos")
    run, provider = config.require("run"), config.require("provider")
    if provider == "aws":
        from stacks.aws import bucket as aws

        made = aws.ArtifactBucket("artifacts", aws.ArtifactBucketArgs(run))
        name, url = made.bucket_name, made.url
    elif provider == "gcp":
        from stacks.gcp import bucket as gcp

        store = gcp.ArtifactBucket("artifacts", gcp.ArtifactBucketArgs(run, config.require("location")))
        name, url = store.bucket_name, store.url
    else:
        raise pulumi.RunError(f"stratos:provider is {provider!r}; it can be aws or gcp")
    pulumi.export("bucket", name)
    pulumi.export("url", url)


if __name__ == "__main__":
    main()
