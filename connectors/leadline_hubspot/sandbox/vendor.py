"""The portal as a local server: its paths, its error bodies, and what a user does in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leadline_hubspot.sandbox import account_api
from leadline_hubspot.sandbox import associations_api as associations
from leadline_hubspot.sandbox import batch_api as batch
from leadline_hubspot.sandbox import objects_api as objects
from leadline_hubspot.sandbox.failures import Refused
from leadline_hubspot.sandbox.gate import Call, Gate, Handler, ScopeOf, rate_limited
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.objects import association_type
from leadline_hubspot.sandbox.populate import fill
from leadline_hubspot.sandbox.portal import Portal

if TYPE_CHECKING:
    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.world import World

TOKEN = "pat-na1-sandbox-00000000-0000-4000-8000-000000000000"  # noqa: S105 - of a server on loopback
DATED = ("2026-09", "2026-03")
_FAULT_WORDS = {
    401: ("INVALID_AUTHENTICATION", "Authentication credentials not found."),
    403: ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
    423: ("LOCKED", "The record is locked because of a high volume of changes. Try again in 2 seconds."),
    477: ("MIGRATION_IN_PROGRESS", "This account is being migrated."),
}


class HubSpotSandbox:
    """One portal behind its API."""

    name = "hubspot"

    def __init__(self, world: World, clock: SandboxClock, faults: Faults, *, limits: Limits | None = None) -> None:
        self.portal = Portal(clock, faults, limits or Limits())
        self.gate = Gate(self.portal, TOKEN)
        fill(self.portal, world)

    def routes(self) -> Sequence[BaseRoute]:
        """All paths of both families; those of records first, because they are called most."""
        found: list[BaseRoute] = []
        for version in DATED:
            found += self._record_routes(f"/crm/objects/{version}", f"/crm/objects/{version}")
            found += self._association_routes(f"/crm/associations/{version}", batch_v3=False)
            found += self._account_routes(
                properties=f"/crm/properties/{version}",
                schemas=(f"/crm-object-schemas/{version}/schemas", f"/crm/schemas/{version}"),
                pipelines=f"/crm/pipelines/{version}",
                owners=f"/crm/owners/{version}",
                sequences=f"/automation/sequences/{version}",
                account=f"/account-info/{version}",
            )
        found += self._record_routes("/crm/v3/objects", "/crm/v4/objects")
        found += self._association_routes("/crm/v4/associations", batch_v3=False)
        found += self._association_routes("/crm/v3/associations", batch_v3=True)
        found += self._account_routes(
            properties="/crm/v3/properties",
            schemas=("/crm-object-schemas/v3/schemas", "/crm/v3/schemas"),
            pipelines="/crm/v3/pipelines",
            owners="/crm/v3/owners",
            sequences="/automation/v4/sequences",
            account="/account-info/v3",
        )
        found.append(self._route("/{path:path}", ("GET", "POST", "PUT", "PATCH", "DELETE"), _no_such_path))
        return found

    def _route(
        self,
        path: str,
        methods: Sequence[str],
        handler: Handler,
        *,
        bucket: str = "default",
        scope: ScopeOf | str | None = None,
    ) -> Route:
        return Route(path, self.gate.endpoint(handler, bucket=bucket, scope=scope), methods=list(methods))

    def _record_routes(self, root: str, links: str) -> list[BaseRoute]:
        read, write = objects.read_scope, objects.write_scope
        kind, one = f"{root}/{{type}}", f"{root}/{{type}}/{{id}}"
        pair = f"{links}/{{from}}/{{id}}/associations"
        return [
            self._route(f"{kind}/search", ["POST"], objects.search_records, bucket="search", scope=read),
            self._route(f"{kind}/batch/read", ["POST"], batch.read_batch, scope=read),
            self._route(f"{kind}/batch/update", ["POST"], batch.update_batch, scope=write),
            self._route(f"{kind}/batch/create", ["POST"], batch.create_batch, scope=write),
            self._route(f"{kind}/batch/upsert", ["POST"], batch.upsert_batch, scope=write),
            self._route(f"{kind}/batch/archive", ["POST"], batch.archive_batch, scope=write),
            self._route(f"{kind}/merge", ["POST"], objects.merge_records, scope=write),
            self._route(kind, ["GET"], objects.list_records, scope=read),
            self._route(kind, ["POST"], objects.create_record, scope=write),
            self._route(f"{pair}/default/{{to}}/{{to_id}}", ["PUT"], associations.create_one),
            self._route(f"{pair}/{{to}}/{{to_id}}", ["PUT"], associations.create_one),
            self._route(f"{pair}/{{to}}/{{to_id}}", ["DELETE"], associations.archive_one),
            self._route(f"{pair}/{{to}}", ["GET"], associations.read_one),
            self._route(one, ["GET"], objects.read_record, scope=read),
            self._route(one, ["PATCH"], objects.update_record, scope=write),
            self._route(one, ["DELETE"], objects.archive_record, scope=write),
        ]

    def _association_routes(self, root: str, *, batch_v3: bool) -> list[BaseRoute]:
        pair = f"{root}/{{from}}/{{to}}/batch"
        read = associations.read_batch_v3 if batch_v3 else associations.read_batch
        create = associations.create_default_batch if batch_v3 else associations.create_batch
        return [
            self._route(f"{pair}/read", ["POST"], read, bucket="associations"),
            self._route(f"{pair}/create", ["POST"], create, bucket="associations"),
            self._route(
                f"{pair}/associate/default", ["POST"], associations.create_default_batch, bucket="associations"
            ),
            self._route(f"{pair}/archive", ["POST"], associations.archive_batch, bucket="associations"),
        ]

    def _account_routes(
        self, *, properties: str, schemas: Sequence[str], pipelines: str, owners: str, sequences: str, account: str
    ) -> list[BaseRoute]:
        usage = account_api.Usage(self.gate).read
        enrol, see = "automation.sequences.enrollments.write", "automation.sequences.read"
        found: list[BaseRoute] = [
            self._route(f"{properties}/{{type}}/groups", ["GET"], account_api.list_groups),
            self._route(f"{properties}/{{type}}/groups", ["POST"], account_api.create_group),
            self._route(f"{properties}/{{type}}/batch/create", ["POST"], account_api.create_properties),
            self._route(
                f"{properties}/{{type}}/{{name}}", ["GET"], account_api.read_property, scope=objects.read_scope
            ),
            self._route(f"{properties}/{{type}}", ["GET"], account_api.list_properties, scope=objects.read_scope),
            self._route(f"{properties}/{{type}}", ["POST"], account_api.create_property),
            self._route(f"{pipelines}/{{type}}", ["GET"], account_api.list_pipelines),
            self._route(f"{owners}/{{id}}", ["GET"], account_api.read_owner, scope="crm.objects.owners.read"),
            self._route(f"{account}/details", ["GET"], account_api.account_details),
            self._route(f"{account}/api-usage/daily/private-apps", ["GET"], usage),
            self._route(
                f"{sequences}/enrollments/contact/{{contact}}", ["GET"], account_api.read_enrollment, scope=see
            ),
            self._route(f"{sequences}/enrollments", ["POST"], account_api.create_enrollment, scope=enrol),
            self._route(f"{sequences}/{{id}}", ["GET"], account_api.read_sequence, scope=see),
        ]
        for path in (owners, f"{owners}/"):
            found.append(self._route(path, ["GET"], account_api.list_owners, scope="crm.objects.owners.read"))
        for path in (sequences, f"{sequences}/"):
            found.append(self._route(path, ["GET"], account_api.list_sequences, scope=see))
        for path in schemas:
            found.append(self._route(path, ["GET"], account_api.list_schemas))
            found.append(self._route(f"{path}/{{type}}", ["GET"], account_api.read_schema))
        return found

    def fault_response(self, status: int, code: str | None) -> Response:
        """The vendor's body for a status that a fault asks for; `code` is a rate policy or a category."""
        if status == 429:
            body = rate_limited(code or "TEN_SECONDLY_ROLLING").as_json()
        else:
            category, message = _FAULT_WORDS.get(status, ("INTERNAL_ERROR", "internal error"))
            body = {"status": "error", "message": message, "category": code or category}
        return Response(orjson.dumps(self.gate.error_body(body)), status, media_type="application/json;charset=utf-8")

    def credentials(self, base_url: str) -> dict[str, str]:
        """Options for a connection to this sandbox. Its search trails behind writes only when told to."""
        return {"base_url": base_url, "access_token": TOKEN, "overlap_seconds": "5"}

    def unassigned_owners(self) -> tuple[str, ...]:
        """Nobody: records here may have no owner at all."""
        return ()

    def state(self) -> Mapping[str, list[dict[str, Any]]]:
        """Everything in the portal, archived records included."""
        state = objects.portal_state(self.portal)
        state["owners"] = [account_api.owner_state(each) for each in self.portal.owners.values()]
        state["sequences"] = [{"id": str(each.id), "name": each.name} for each in self.portal.sequences.values()]
        state["enrollments"] = [
            {**account_api.enrollment_json(each), "contactId": str(each.contact_id)}
            for each in self.portal.enrollments.values()
        ]
        return state

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """A user creates, updates, deletes, merges or links in the CRM.

        `{"action": "create", "object": "web_events", "fields": {...}, "links": {"contacts": ["2000..."]}}`;
        `update` and `delete` take `id`; `merge` takes `id` and `into`; `link` takes `id` and `links`.
        """
        try:
            return self._edit(command)
        except Refused as refusal:
            raise ValueError(refusal.message) from refusal

    def _edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        portal = self.portal
        table = portal.table(str(command.get("object", "")))
        stamp, action, key = portal.stamp(), command.get("action"), str(command.get("id", ""))
        fields, links = command.get("fields") or {}, command.get("links") or {}
        pairs = [(portal.table(name), str(to_id)) for name, ids in links.items() for to_id in ids]
        if action == "create":
            types = [
                {"to": {"id": to_id}, "types": [_default_type(table.kind.name, other.kind.name)]}
                for other, to_id in pairs
            ]
            return {"id": str(portal.prepare_create(table, fields, types, stamp)().id)}
        record = portal.must_find(table, key)
        match action:
            case "update":
                portal.prepare_update(table, key, fields, stamp)()
            case "delete":
                portal.archive(table, record, stamp)
            case "merge":
                portal.merge(table, portal.must_find(table, str(command.get("into", ""))), record, stamp)
            case "link":
                for other, to_id in pairs:
                    portal.link(table, record.id, other, portal.must_find(other, to_id).id, stamp)
            case _:
                raise ValueError(f"{action!r} is not something a user can do: create, update, delete, merge or link")
        return {"id": key}


def _default_type(from_type: str, to_type: str) -> dict[str, Any]:
    kind = association_type(from_type, to_type)
    if kind is None:
        raise ValueError(f"{from_type} cannot be associated with {to_type}")
    return {"associationCategory": kind.category, "associationTypeId": kind.default}


def _no_such_path(call: Call) -> Any:
    raise Refused(404, "OBJECT_NOT_FOUND", f"No route found for /{call.path['path']}")
