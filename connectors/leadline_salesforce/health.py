"""What `leadline doctor` looks at: sign-in, version, quota, and the fields that Leadline itself needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from leadline.sdk.errors import LeadlineError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Finding, ObjectSchema
from leadline_salesforce.client import Client
from leadline_salesforce.options import SalesforceOptions

WRITE_BACK = (
    "Leadline_Score__c", "Leadline_Fit__c", "Leadline_Intent__c", "Leadline_Group__c", "Leadline_Reasons__c",
    "Leadline_Sort_Key__c", "Leadline_Scored_At__c", "Leadline_Action__c",
)  # fmt: skip
SCORED_OBJECTS = ("Account", "Contact", "Lead")
TASK_KEY = "Leadline_Key__c"


class Health:
    """The findings about one connection."""

    def __init__(
        self, client: Client, options: SalesforceOptions, runtime: Runtime, schema: Callable[[str], ObjectSchema]
    ) -> None:
        self._client = client
        self._options = options
        self._runtime = runtime
        self._schema = schema

    def check(self) -> list[Finding]:
        """Sign-in, version, quota, and the fields that Leadline itself needs."""
        findings = [self._looked_at("sign-in", self._version)]
        if not findings[0].ok:
            return findings  # everything else would say the same
        findings.append(self._looked_at("daily quota", self._quota))
        for kind in SCORED_OBJECTS:
            findings.append(self._looked_at(f"fields on {kind}", partial(self._write_back, kind)))
        findings.append(self._looked_at("tasks", lambda: task_key(self._schema("Task"))))
        findings.append(self._looked_at("sales cadences", self._cadences))
        return findings

    def _looked_at(self, what: str, look: Callable[[], Finding]) -> Finding:
        try:
            return look()
        except LeadlineError as error:
            return Finding(False, what, error.message, error.fix)
        except (KeyError, TypeError, ValueError) as error:
            return Finding(
                False,
                what,
                f"The answer is not one of Salesforce's ({type(error).__name__}: {error}).",
                "Check base_url, and whether a proxy answers in the org's place.",
            )

    def _version(self) -> Finding:
        wanted, offered = self._options.api_version, self._client.versions()
        newest = max(offered, key=float)
        if wanted not in offered:
            return Finding(
                False,
                "API version",
                f"The org does not offer version {wanted}; its newest is {newest}.",
                f"Set api_version to {newest}.",
            )
        return Finding(True, "sign-in", f"{self._options.base_url}, {self._options.grant}, API version {wanted}")

    def _quota(self) -> Finding:
        limit = self._client.get("limits")["DailyApiRequests"]
        left, most = int(limit["Remaining"]), int(limit["Max"])
        ours = self._runtime.daily_calls
        others = most * self._options.reserve_percent // 100
        detail = f"{left:,} of {most:,} API calls left today, {others:,} of them for others"
        if left <= others:
            return Finding(
                False, "daily quota", f"{detail}.", "Wait: the count is of the last 24 hours; or lower reserve_percent."
            )
        if ours is not None and left - others < ours:
            return Finding(False, "daily quota", f"{detail}; daily_calls allows {ours:,}.", "Lower daily_calls.")
        return Finding(True, "daily quota", detail)

    def _write_back(self, kind: str) -> Finding:
        return write_back(self._schema(kind))

    def _cadences(self) -> Finding:
        page = self._client.query("SELECT Id, Name FROM ActionCadence WHERE State = 'Active'")
        names = ", ".join(row["Name"] for row in page["records"]) or "none is active"
        return Finding(True, "sales cadences", names)


def write_back(schema: ObjectSchema) -> Finding:
    """Whether the usual write-back fields are there and may be written."""
    what = f"fields on {schema.name}"
    missing = [name for name in WRITE_BACK if name not in schema.fields]
    closed = [name for name in WRITE_BACK if name in schema.fields and not schema.fields[name].writable]
    if missing:
        return Finding(
            False,
            what,
            f"{schema.name} lacks {', '.join(missing)}.",
            "Create the fields and give the integration user's permission set access, or map other ones.",
        )
    if closed:
        return Finding(
            False,
            what,
            f"{schema.name} does not let this user edit {', '.join(closed)}.",
            "Make the fields editable in the integration user's permission set.",
        )
    return Finding(True, what, f"{len(WRITE_BACK)} fields can be written")


def task_key(schema: ObjectSchema) -> Finding:
    """Whether tasks have the unique key that keeps one from being made twice."""
    key = schema.fields.get(TASK_KEY)
    if key is None or not key.writable or not key.unique:
        return Finding(
            False,
            "tasks",
            f"Task needs {TASK_KEY}, writable and unique.",
            f"Create {TASK_KEY} on Task as Text(80), External ID, Unique, and make it editable.",
        )
    return Finding(True, "tasks", f"{TASK_KEY} is unique and writable")
