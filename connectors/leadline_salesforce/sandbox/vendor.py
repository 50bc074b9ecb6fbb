"""The sandbox as the base server knows it: routes, error bodies, credentials, state, edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leadline_salesforce.sandbox import conformance, injected
from leadline_salesforce.sandbox.actions import ASSIGN, Actions
from leadline_salesforce.sandbox.administration import Administration
from leadline_salesforce.sandbox.auth import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
    USERNAME,
    Auth,
)
from leadline_salesforce.sandbox.bulk_ingest import BulkIngest
from leadline_salesforce.sandbox.bulk_jobs import Pace
from leadline_salesforce.sandbox.bulk_query import BulkQueries
from leadline_salesforce.sandbox.callouts import Callouts
from leadline_salesforce.sandbox.calls import NEWEST, OLDEST, Answer, Gate, Handler
from leadline_salesforce.sandbox.composite import Composite
from leadline_salesforce.sandbox.dispatch import Dispatcher
from leadline_salesforce.sandbox.edits import Edits
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.identity import Identity
from leadline_salesforce.sandbox.latecommits import LateCommits
from leadline_salesforce.sandbox.loading import INTEGRATION_USER, ORG_ID, load
from leadline_salesforce.sandbox.queries import Queries
from leadline_salesforce.sandbox.rows import Rows
from leadline_salesforce.sandbox.searches import Searches
from leadline_salesforce.sandbox.store import Org, Row
from leadline_salesforce.sandbox.trees import Trees
from leadline_salesforce.sandbox.writes import Writes

if TYPE_CHECKING:
    from starlette.requests import Request

    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.world import World

_SEASONS = ("Spring", "Summer", "Winter")


class SalesforceSandbox:
    """One org. `session_seconds` and `daily_limit` may be set at any time."""

    name = "salesforce"

    def __init__(self, world: World, clock: SandboxClock, faults: Faults) -> None:
        self.org: Org = load(world)
        self.auth = Auth(clock, ORG_ID, INTEGRATION_USER)
        self._writes = writes = Writes(self.org, clock, faults, default_owner=INTEGRATION_USER)
        self.callouts = Callouts(clock)
        writes.on_change = self.callouts.changed
        self.late = LateCommits(writes)
        self.gate = Gate(clock, self.auth.sessions, self.org.schema, self.late, INTEGRATION_USER)
        self._identity = Identity(self.auth, self.org, ORG_ID, INTEGRATION_USER)
        self._searches = Searches(self.org, clock)
        self._trees = Trees(writes)
        self.queries = Queries(self.org, self.gate)
        self._rows = Rows(self.org, writes)
        self._actions = Actions(self.org, writes, clock)
        self.bulk_pace = Pace()
        self.bulk_queries = BulkQueries(self.org, clock, self.bulk_pace)
        self.bulk_ingest = BulkIngest(writes, clock, self.bulk_pace)
        self._edits = Edits(
            self.org,
            writes,
            self.late,
            Administration(self.org, writes.guards, clock, self.bulk_queries, self.bulk_ingest),
            INTEGRATION_USER,
        )

    @property
    def session_seconds(self) -> float:
        """How long a token lives unused, by the sandbox's clock."""
        return self.auth.sessions.seconds

    @session_seconds.setter
    def session_seconds(self, seconds: float) -> None:
        self.auth.sessions.seconds = seconds

    @property
    def page_size(self) -> int:
        """Most rows of a page of a query, whatever the client asks for."""
        return self.queries.page

    @page_size.setter
    def page_size(self, rows: int) -> None:
        self.queries.page = rows

    def conformance(self) -> Mapping[str, Any]:
        """What the conformance suite cannot find out by itself."""
        return conformance.told(self.org)

    def routes(self) -> Sequence[BaseRoute]:
        """The paths of the REST API that are served, each with and without a trailing slash."""
        queries, rows, actions = self.queries, self._rows, self._actions
        table: list[tuple[str, str, Handler]] = [
            ("GET", "", queries.resources),
            ("GET", "/limits", queries.limits),
            ("GET", "/query", queries.query),
            ("GET", "/queryAll", queries.query_all),
            ("GET", "/query/{locator}", queries.more),
            ("GET", "/queryAll/{locator}", queries.more),
            ("GET", "/sobjects", queries.objects),
            ("GET", "/sobjects/{object}", queries.object),
            ("POST", "/sobjects/{object}", rows.create),
            ("GET", "/sobjects/{object}/describe", queries.describe),
            ("GET", "/sobjects/{object}/updated", queries.updated),
            ("GET", "/sobjects/{object}/deleted", queries.deleted),
            ("GET", "/sobjects/{object}/{id}", rows.read),
            ("PATCH", "/sobjects/{object}/{id}", rows.update),
            ("DELETE", "/sobjects/{object}/{id}", rows.delete),
            ("GET", "/sobjects/{object}/{field}/{value:path}", rows.read_by),
            ("PATCH", "/sobjects/{object}/{field}/{value:path}", rows.upsert),
            ("DELETE", "/sobjects/{object}/{field}/{value:path}", rows.delete_by),
            ("POST", "/composite/sobjects", rows.create_many),
            ("PATCH", "/composite/sobjects", rows.update_many),
            ("DELETE", "/composite/sobjects", rows.delete_many),
            ("GET", "/composite/sobjects/{object}", rows.read_many),
            ("POST", "/composite/sobjects/{object}", rows.read_many),
            ("PATCH", "/composite/sobjects/{object}/{field}", rows.upsert_many),
            ("GET", "/actions/standard", actions.list),
            ("POST", f"/actions/standard/{ASSIGN}", actions.assign),
            ("GET", "/search", self._searches.sosl),
            ("GET", "/parameterizedSearch", self._searches.parameterized),
            ("POST", "/parameterizedSearch", self._searches.parameterized),
            ("POST", "/composite/tree/{object}", self._trees.create),
            *self._bulk(),
        ]
        composite = Composite(Dispatcher(table), self._writes)
        table += [
            ("POST", "/composite", composite.composite),
            ("POST", "/composite/batch", composite.batch),
            ("POST", "/composite/graph", composite.graph),
        ]
        routes: list[BaseRoute] = [
            *self._identity.routes(),
            Route("/services/data", self._versions, methods=["GET"]),
            Route("/services/data/", self._versions, methods=["GET"]),
        ]
        for method, path, handler in table:
            endpoint = self.gate.endpoint(handler)
            full = f"/services/data/{{version}}{path}"
            routes.append(Route(full, endpoint, methods=[method]))
            if not path.endswith(":path}"):
                routes.append(Route(f"{full}/", endpoint, methods=[method]))
        return [*routes, Route("/{path:path}", self._nowhere)]

    def _bulk(self) -> list[tuple[str, str, Handler]]:
        found, loads = self.bulk_queries, self.bulk_ingest
        return [
            ("POST", "/jobs/query", found.create),
            ("GET", "/jobs/query", found.list),
            ("GET", "/jobs/query/{job}", found.get),
            ("PATCH", "/jobs/query/{job}", found.abort),
            ("DELETE", "/jobs/query/{job}", found.delete),
            ("GET", "/jobs/query/{job}/results", found.results),
            ("GET", "/jobs/query/{job}/resultPages", found.pages),
            ("POST", "/jobs/ingest", loads.create),
            ("GET", "/jobs/ingest", loads.list),
            ("GET", "/jobs/ingest/{job}", loads.get),
            ("PATCH", "/jobs/ingest/{job}", loads.change),
            ("DELETE", "/jobs/ingest/{job}", loads.delete),
            ("PUT", "/jobs/ingest/{job}/batches", loads.upload),
            ("GET", "/jobs/ingest/{job}/successfulResults", loads.successful),
            ("GET", "/jobs/ingest/{job}/failedResults", loads.failed),
            ("GET", "/jobs/ingest/{job}/unprocessedrecords", loads.unprocessed),
            ("GET", "/jobs/ingest/{job}/unprocessedRecords", loads.unprocessed),  # as simple-salesforce spells it
        ]

    async def _versions(self, _: Request) -> Response:
        return _json([_version(number) for number in range(OLDEST, NEWEST + 1)])

    async def _nowhere(self, _: Request) -> Response:
        return self.gate.reply(
            Answer(ApiError("NOT_FOUND", "The requested resource does not exist", status=404).body(), 404)
        )

    def fault_response(self, status: int, code: str | None) -> Response:
        """What the vendor, or the load balancer before it, says with this status."""
        return injected.response(status, code)

    def credentials(self, base_url: str) -> dict[str, str]:
        """Options for a client-credentials sign-in. Rows become visible late only when told to, and not by much."""
        return {
            "base_url": base_url,
            "consumer_key": CONSUMER_KEY,
            "consumer_secret": CONSUMER_SECRET,
            "overlap_seconds": "60",
        }

    def sign_ins(self, base_url: str) -> dict[str, dict[str, str]]:
        """Options for the other ways to sign in, by name."""
        return {
            "jwt": self.jwt_credentials(base_url),
            "password": self.password_credentials(base_url),
            "refresh_token": self.refresh_credentials(base_url),
        }

    def password_credentials(self, base_url: str) -> dict[str, str]:
        """Options for a sign-in with user name, password and security token."""
        user = {"username": USERNAME, "password": PASSWORD, "security_token": SECURITY_TOKEN}
        return self.credentials(base_url) | user

    def refresh_credentials(self, base_url: str) -> dict[str, str]:
        """Options for a sign-in with a refresh token."""
        return self.credentials(base_url) | {"refresh_token": REFRESH_TOKEN}

    def jwt_credentials(self, base_url: str) -> dict[str, str]:
        """Options for a JWT bearer sign-in."""
        return {
            "base_url": base_url,
            "consumer_key": CONSUMER_KEY,
            "username": USERNAME,
            "private_key": self.auth.private_pem(),
            "overlap_seconds": "60",
        }

    def controls(self) -> Mapping[str, Callable[[str, Any], Any]]:
        """Calls of this vendor on the control surface: where to send a Flow's callouts."""
        return {"webhooks": self.callouts.control}

    def unassigned_owners(self) -> tuple[str, ...]:
        """The integration's own user, who owns what nobody was given."""
        return (USERNAME,)

    def state(self) -> Mapping[str, list[Row]]:
        """Every row of every object, deleted ones included, with all fields."""
        return {
            definition.name: [
                {field: row.get(field) for field in definition.fields}
                for row in self.org.table(definition).rows.values()
            ]
            for definition in self.org.schema.everything()
        }

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """A user's edit; see `Edits.edit`."""
        return self._edits.edit(command)


def _version(number: int) -> dict[str, str]:
    # v31 was Summer '14; three releases a year, and Winter carries the next year's number.
    year, season = divmod(number - 30, 3)
    label = f"{_SEASONS[season]} '{14 + year + (season == 2):02d}"
    return {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json;charset=UTF-8")
