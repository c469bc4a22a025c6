"""The rules, as plain functions over one resource's type, inputs and name. Nothing here starts a policy pack.

Inputs are named as Pulumi's engine names them (camelCase). What a cloud does by default passes: S3 blocks public
access to new buckets and encrypts every object, Cloud Storage encrypts every object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Props = Mapping[str, Any]

RUN_TAG = "stratos-run"

_PUBLIC_ACLS = {"public-read", "public-read-write", "authenticated-read", "website"}
_PUBLIC_MEMBERS = {"allUsers", "allAuthenticatedUsers"}
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ALGORITHMS = {"AES256", "aws:kms", "aws:kms:dsse"}
_TAGGED = {
    "aws:ec2/instance:Instance": "tags",
    "aws:ec2/securityGroup:SecurityGroup": "tags",
    "aws:ec2/vpc:Vpc": "tags",
    "aws:lb/loadBalancer:LoadBalancer": "tags",
    "aws:s3/bucket:Bucket": "tags",
    "aws:secretsmanager/secret:Secret": "tags",
    "gcp:compute/instance:Instance": "labels",
    "gcp:secretmanager/secret:Secret": "labels",
    "gcp:storage/bucket:Bucket": "labels",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `check` gives one message for each violation."""

    name: str
    description: str
    check: Callable[[str, Props, str], Iterable[str]]


def no_public_bucket(kind: str, props: Props, name: str) -> Iterator[str]:
    """No bucket that the public can list, read or write, by access list, by policy or by membership."""
    if kind in {"aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl"} and props.get("acl") in _PUBLIC_ACLS:
        yield f"{name}: acl {props['acl']} opens the bucket to the public; leave it out"
    elif kind == "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":
        yield from (f"{name}: {block} must be true" for block in _BLOCKS if props.get(block) is not True)
    elif kind == "aws:s3/bucketPolicy:BucketPolicy" and _allows_anyone(props.get("policy")):
        yield f"{name}: the policy allows any principal; name the roles that may reach the bucket"
    elif kind == "gcp:storage/bucket:Bucket":
        yield from _public_gcp_bucket(props, name)
    elif kind.startswith("gcp:storage/bucketIAM"):
        given = json.dumps([props.get("member"), props.get("members"), props.get("policyData")], default=str)
        members = sorted(member for member in _PUBLIC_MEMBERS if member in given)
        yield from (f"{name}: {member} opens the bucket to the public" for member in members)


def encrypted(kind: str, props: Props, name: str) -> Iterator[str]:
    """A bucket's encryption, where it is set, is a real one; a machine's disks are encrypted."""
    if kind == "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        algorithms = [_algorithm(rule) for rule in props.get("rules") or ()]
        if not algorithms or not set(algorithms) <= _ALGORITHMS:
            yield f"{name}: every rule must encrypt with one of {', '.join(sorted(_ALGORITHMS))}"
    elif kind == "aws:ec2/instance:Instance" and (props.get("rootBlockDevice") or {}).get("encrypted") is not True:
        yield f"{name}: rootBlockDevice.encrypted must be true"
    elif kind == "aws:ebs/volume:Volume" and props.get("encrypted") is not True:
        yield f"{name}: encrypted must be true"


def run_tag(kind: str, props: Props, name: str) -> Iterator[str]:
    """Whatever can carry a tag carries the run's, so that teardown can find it."""
    field = _TAGGED.get(kind)
    if field is not None and not (props.get(field) or {}).get(RUN_TAG):
        yield f"{name}: {field} must hold {RUN_TAG}, by which the run's resources are found again"


RULES = (
    Rule("no-public-bucket", "No bucket is open to the public.", no_public_bucket),
    Rule("encrypted", "Buckets and disks are encrypted.", encrypted),
    Rule("run-tag", f"Every resource that can carry a tag carries {RUN_TAG}.", run_tag),
)


def violations(kind: str, props: Props, name: str) -> list[tuple[str, str]]:
    """(rule, message) for everything that is wrong with the resource."""
    return [(rule.name, message) for rule in RULES for message in rule.check(kind, props, name)]


def _public_gcp_bucket(props: Props, name: str) -> Iterator[str]:
    if props.get("publicAccessPrevention") != "enforced":
        yield f"{name}: publicAccessPrevention must be enforced"
    if props.get("uniformBucketLevelAccess") is not True:
        yield f"{name}: uniformBucketLevelAccess must be true"


def _allows_anyone(policy: object) -> bool:
    """Whether a statement allows every principal. A policy that cannot be read is not judged here."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return False
    statements = document.get("Statement", []) if isinstance(document, Mapping) else []
    listed = [statements] if isinstance(statements, Mapping) else statements
    return any(one.get("Effect") == "Allow" and _is_anyone(one.get("Principal")) for one in listed)


def _is_anyone(principal: object) -> bool:
    if isinstance(principal, Mapping):
        return any(_is_anyone(one) for one in principal.values())
    if isinstance(principal, (list, tuple)):
        return any(_is_anyone(one) for one in principal)
    return principal == "*"


def _algorithm(rule: Props) -> object:
    return (rule.get("applyServerSideEncryptionByDefault") or {}).get("sseAlgorithm")
