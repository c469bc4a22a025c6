"""Each rule with resources that pass and resources that fail, and the pack that hands them to the engine."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from policies.rules import RULES, Props, violations

FOLDER = Path(__file__).parents[2] / "policies"

S3 = "aws:s3/bucket:Bucket"
ACL = "aws:s3/bucketAcl:BucketAcl"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
INSTANCE = "aws:ec2/instance:Instance"
GCS = "gcp:storage/bucket:Bucket"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
BINDING = "gcp:storage/bucketIAMBinding:BucketIAMBinding"
IAM_POLICY = "gcp:storage/bucketIAMPolicy:BucketIAMPolicy"

TAGS = {"stratos-run": "r-1"}
SHUT = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
PRIVATE = {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": True}


def statement(effect: str, principal: object) -> str:
    return json.dumps({"Statement": [{"Effect": effect, "Principal": principal, "Action": "s3:GetObject"}]})


def broken(kind: str, props: Props) -> set[str]:
    return {rule for rule, _ in violations(kind, props, "it")}


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (S3, {"tags": TAGS}),
        (S3, {"tags": TAGS, "acl": "private"}),
        (ACL, {"acl": "private"}),
        (BLOCK, SHUT),
        (POLICY, {"policy": statement("Deny", "*")}),
        (POLICY, {"policy": statement("Allow", {"AWS": "arn:aws:iam::1:role/worker"})}),
        (POLICY, {"policy": "{not json"}),
        (POLICY, {}),
        (ENCRYPTION, {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]}),
        (INSTANCE, {"tags": TAGS, "rootBlockDevice": {"encrypted": True}}),
        ("aws:ebs/volume:Volume", {"encrypted": True}),
        (GCS, PRIVATE | {"labels": TAGS}),
        (MEMBER, {"member": "serviceAccount:worker@p.iam.gserviceaccount.com"}),
        (BINDING, {"members": ["user:a@example.com"]}),
        ("random:index/randomId:RandomId", {}),
    ],
)
def test_what_is_right_passes(kind: str, props: Props) -> None:
    assert broken(kind, props) == set()


@pytest.mark.parametrize(
    ("rule", "kind", "props"),
    [
        ("no-public-bucket", S3, {"tags": TAGS, "acl": "public-read"}),
        ("no-public-bucket", ACL, {"acl": "public-read-write"}),
        ("no-public-bucket", ACL, {"acl": "authenticated-read"}),
        ("no-public-bucket", BLOCK, SHUT | {"blockPublicPolicy": False}),
        ("no-public-bucket", BLOCK, {}),
        ("no-public-bucket", POLICY, {"policy": statement("Allow", "*")}),
        ("no-public-bucket", POLICY, {"policy": statement("Allow", {"AWS": ["arn:aws:iam::1:root", "*"]})}),
        ("no-public-bucket", POLICY, {"policy": {"Statement": {"Effect": "Allow", "Principal": "*"}}}),
        ("no-public-bucket", GCS, PRIVATE | {"labels": TAGS, "publicAccessPrevention": "inherited"}),
        ("no-public-bucket", GCS, {"labels": TAGS, "publicAccessPrevention": "enforced"}),
        ("no-public-bucket", MEMBER, {"member": "allUsers"}),
        ("no-public-bucket", BINDING, {"members": ["user:a@example.com", "allAuthenticatedUsers"]}),
        ("no-public-bucket", IAM_POLICY, {"policyData": json.dumps({"bindings": [{"members": ["allUsers"]}]})}),
        ("encrypted", ENCRYPTION, {"rules": []}),
        ("encrypted", ENCRYPTION, {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "none"}}]}),
        ("encrypted", INSTANCE, {"tags": TAGS}),
        ("encrypted", INSTANCE, {"tags": TAGS, "rootBlockDevice": {"encrypted": False}}),
        ("encrypted", "aws:ebs/volume:Volume", {}),
        ("run-tag", S3, {}),
        ("run-tag", S3, {"tags": {"stratos-run": ""}}),
        ("run-tag", GCS, PRIVATE | {"labels": {"team": "x"}}),
        ("run-tag", "gcp:compute/instance:Instance", {"labels": None}),
    ],
)
def test_what_is_wrong_is_named(rule: str, kind: str, props: Props) -> None:
    assert broken(kind, props) == {rule}


def test_a_message_names_the_resource_and_what_to_do() -> None:
    ((_, message),) = violations(GCS, PRIVATE, "artifacts")
    assert message == "artifacts: labels must hold stratos-run, by which the run's resources are found again"


def test_every_rule_has_a_name_and_a_description() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 3
    assert all(rule.description for rule in RULES)


def test_the_pack_reports_what_the_rules_find() -> None:
    pack: dict[str, Any] = runpy.run_path(str(FOLDER / "__main__.py"), run_name="pack")
    policies = {policy.name: policy for policy in pack["pack_policies"]()}
    assert set(policies) == {rule.name for rule in RULES}
    told: list[str] = []
    bucket = SimpleNamespace(resource_type=S3, props={"acl": "public-read", "tags": TAGS}, name="open")
    policies["no-public-bucket"].validate(bucket, lambda message, urn=None: told.append(message))
    assert told == ["open: acl public-read opens the bucket to the public; leave it out"]


def test_the_packs_file_names_its_runtime() -> None:
    assert yaml.safe_load((FOLDER / "PulumiPolicy.yaml").read_text())["runtime"] == "python"
