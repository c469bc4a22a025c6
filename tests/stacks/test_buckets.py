"""The buckets as the engine would be asked for them, recorded in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks, settings
from pulumi.runtime.stack import run_pulumi_func

from policies.rules import violations
from stacks import naming
from stacks.__main__ import main

TIMEOUT_S = 30

SDK_IMPORTS = r"ignore:(aws\.s3|s3|gcp\.storage)[/.]\S+ has been deprecated in favor of:DeprecationWarning"
pytestmark = pytest.mark.filterwarnings(SDK_IMPORTS)


class Recorder(mocks.Mocks):
    """Keeps what is registered; answers as a cloud would."""

    def __init__(self) -> None:
        self.made: list[mocks.MockResourceArgs] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made.append(args)
        named = {"bucket": args.name, "arn": f"arn:aws:s3:::{args.name}", "name": args.name, "url": f"gs://{args.name}"}
        return f"{args.name}-id", named | args.inputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        return {}

    def inputs(self, kind: str) -> dict[str, Any]:
        (found,) = [dict(one.inputs) for one in self.made if one.typ == kind]
        return found


def record(program: Callable[[], None], config: dict[str, str]) -> tuple[Recorder, dict[str, Any]]:
    """What the program registers, and what it exports. Bounded, because a mock that waits would wait for ever."""
    recorder = Recorder()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> dict[str, Any]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4, initializer=_own_loop, initargs=(loops,)))
        settings.set_root_resource(None)
        mocks.set_mocks(recorder, project="stratos", stack="test", preview=False)
        pulumi.runtime.set_all_config({f"stratos:{key}": value for key, value in config.items()})
        await run_pulumi_func(program)
        exported = dict(settings.get_root_resource().outputs)
        return {name: await value.future() for name, value in exported.items()}

    try:
        return recorder, asyncio.run(asyncio.wait_for(run(), TIMEOUT_S))
    finally:
        for loop in loops:
            loop.close()


def _own_loop(loops: list[asyncio.AbstractEventLoop]) -> None:
    """Gives a thread the event loop that the mocks would otherwise make in it and never close."""
    loops.append(asyncio.new_event_loop())
    asyncio.set_event_loop(loops[-1])


@pytest.fixture(scope="module")
def aws() -> tuple[Recorder, dict[str, Any]]:
    return record(main, {"provider": "aws", "run": "my.run_1-0a1b2c3d"})


@pytest.fixture(scope="module")
def gcp() -> tuple[Recorder, dict[str, Any]]:
    return record(main, {"provider": "gcp", "run": "my.run_1-0a1b2c3d", "location": "europe-west4"})


def test_the_s3_bucket_is_private(aws: tuple[Recorder, dict[str, Any]]) -> None:
    recorder, _ = aws
    block = recorder.inputs("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert {key: block[key] for key in block if key != "bucket"} == {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    owner = recorder.inputs("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
    assert owner["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_the_s3_bucket_is_reached_over_tls_only(aws: tuple[Recorder, dict[str, Any]]) -> None:
    policy = json.loads(aws[0].inputs("aws:s3/bucketPolicy:BucketPolicy")["policy"])
    (statement,) = policy["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    arn = "arn:aws:s3:::stratos-my-run-1-0a1b2c3d-artifacts"
    assert statement["Resource"] == [arn, f"{arn}/*"]


def test_the_s3_bucket_is_encrypted_versioned_and_expires_old_versions(aws: tuple[Recorder, dict[str, Any]]) -> None:
    recorder, _ = aws
    encryption = recorder.inputs(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    )
    assert encryption["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    versioning = recorder.inputs("aws:s3/bucketVersioning:BucketVersioning")
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = recorder.inputs("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")["rules"]
    assert rule["status"] == "Enabled"
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 7}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}


def test_the_s3_bucket_carries_the_run_and_can_be_emptied(aws: tuple[Recorder, dict[str, Any]]) -> None:
    bucket = aws[0].inputs("aws:s3/bucket:Bucket")
    assert bucket["tags"] == {"stratos-run": "my.run_1-0a1b2c3d", "managed-by": "stratos"}
    assert bucket["forceDestroy"] is True
    assert aws[1] == {
        "bucket": "stratos-my-run-1-0a1b2c3d-artifacts",
        "url": "s3://stratos-my-run-1-0a1b2c3d-artifacts",
    }


def test_everything_belongs_to_the_one_bucket(aws: tuple[Recorder, dict[str, Any]]) -> None:
    settings_of_it = [one for one in aws[0].made if one.typ.startswith("aws:s3/bucket") and "bucket" in one.inputs]
    assert len(settings_of_it) == 6
    assert {one.inputs["bucket"] for one in settings_of_it} == {"stratos-my-run-1-0a1b2c3d-artifacts-id"}


def test_the_gcs_bucket_is_private_versioned_and_expires_old_versions(gcp: tuple[Recorder, dict[str, Any]]) -> None:
    bucket = gcp[0].inputs("gcp:storage/bucket:Bucket")
    assert bucket["uniformBucketLevelAccess"] is True
    assert bucket["publicAccessPrevention"] == "enforced"
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["softDeletePolicy"] == {"retentionDurationSeconds": 0}
    assert bucket["lifecycleRules"] == [
        {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 7, "withState": "ARCHIVED"}},
        {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
    ]


def test_the_gcs_bucket_carries_the_run_and_lies_where_it_should(gcp: tuple[Recorder, dict[str, Any]]) -> None:
    bucket = gcp[0].inputs("gcp:storage/bucket:Bucket")
    assert bucket["labels"] == {"stratos-run": "my_run_1-0a1b2c3d", "managed-by": "stratos"}
    assert bucket["location"] == "europe-west4"
    assert bucket["forceDestroy"] is True
    assert gcp[1]["url"] == "gs://stratos-my-run-1-0a1b2c3d-artifacts"


def test_the_programs_keep_to_the_teams_rules(
    aws: tuple[Recorder, dict[str, Any]], gcp: tuple[Recorder, dict[str, Any]]
) -> None:
    made = [*aws[0].made, *gcp[0].made]
    assert len(made) > 8
    assert [violations(one.typ, one.inputs, one.name) for one in made] == [[]] * len(made)


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="it can be aws or gcp"):
        record(main, {"provider": "azure", "run": "r"})


@pytest.mark.parametrize("run", ["a", "a" * 62, "x.y_z-9", "-".join(["ab"] * 20), "a" * 30 + "." + "b" * 31])
def test_names_fit_both_clouds(run: str) -> None:
    name = naming.resource_name(run, "artifacts")
    assert len(name) + len("-1234567") <= 63
    assert name.startswith("stratos-")
    assert "--" not in name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(naming.gcp_labels(run)["stratos-run"]) <= 63


def test_the_project_file_points_at_the_program() -> None:
    root = Path(__file__).parents[2]
    project = yaml.safe_load((root / "Pulumi.yaml").read_text())
    assert (root / project["main"] / "__main__.py").is_file()
    assert project["runtime"]["name"] == "python"
