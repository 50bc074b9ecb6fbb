"""One signed-in org: simple-salesforce over the guarded transport, and the few calls that are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest
from simple_salesforce.login import token_login

from leadline.sdk.errors import UnknownOutcomeError
from leadline.sdk.http import LOOPBACK
from leadline.sdk.ports import Runtime
from leadline_salesforce import answers
from leadline_salesforce.auth import TOKEN_PATH, token_request
from leadline_salesforce.options import SalesforceOptions
from leadline_salesforce.transport import REPEATABLE, Transport

# Without the header the org's assignment rules run on every write and may take records away.
# Duplicate rules that only alert a person are passed; those that block still refuse the row.
WRITE_HEADERS = {"Sforce-Auto-Assign": "FALSE", "Sforce-Duplicate-Rule-Header": "allowSave=true"}
# simple-salesforce asks for indented replies; None takes the header out.
_PLAIN = {"X-PrettyPrint": None}


class _FastSalesforce(Salesforce):  # type: ignore[misc] # the package has no types
    """simple-salesforce with a JSON reader that costs a third."""

    def parse_result_to_json(self, result: requests.Response) -> Any:
        return answers.content(result)


class Client:
    """One signed-in org. Sign-in happens with the first call."""

    def __init__(self, options: SalesforceOptions, runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime
        self._session = requests.Session()
        # A sandbox on this machine is never behind a proxy.
        self._session.trust_env = urlsplit(options.base_url).hostname not in LOOPBACK
        adapter = self._adapter = Transport(options, runtime, self._sign_in)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._sf = _FastSalesforce(
            session_id="replaced by the adapter",
            instance_url=options.base_url.replace("http://", "https://", 1),
            session=self._session,
            version=options.api_version,
        )

    def get(self, path: str, **params: str) -> Any:
        """JSON below `/services/data/vXX.X/`; None for an empty answer."""
        return self._sf.restful(path, params=params or None, headers=_PLAIN)

    def query(self, soql: str, *, include_deleted: bool = False) -> dict[str, Any]:
        """One page of a query: done, records, and totalSize, the number of rows of all pages."""
        return answers.page(self._sf.query(soql, include_deleted=include_deleted, headers=_PLAIN))

    def count(self, soql: str, *, include_deleted: bool = True) -> int:
        """What `SELECT COUNT()` counts."""
        page = self.query(soql, include_deleted=include_deleted)
        if not answers.holds(page, totalSize=int):
            raise answers.UnreadableError("A query that counts was accepted and its answer counts nothing.")
        return int(page["totalSize"])

    def more(self, next_records_url: str) -> dict[str, Any]:
        """The next page of a query that was not done."""
        return answers.page(self._sf.query_more(next_records_url, identifier_is_url=True, headers=_PLAIN))

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """A write with JSON below `/services/data/vXX.X/`, never running assignment rules."""
        headers = {**_PLAIN, **WRITE_HEADERS}
        try:
            return self._sf.restful(path, method=method, data=orjson.dumps(body), headers=headers)
        except SalesforceMalformedRequest as error:
            return error.content  # the results of an action of which some inputs failed; the rest was raised before
        except answers.UnreadableError as error:
            raise UnknownOutcomeError(error.message, place=self._runtime.name, fix=error.fix) from error

    def exchange(
        self,
        method: str,
        path: str,
        *,
        data: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> requests.Response:
        """One call of any content type below `/services/data/vXX.X/`; its reply has a status below 300.

        `data` that is not bytes has a length and can be iterated anew, because a call may be sent again.
        `repeatable`: sending it twice does nothing twice, so that a lost reply is no unknown outcome.
        """
        marks = {REPEATABLE: "1"} if repeatable else {}
        url = f"{self._sf.base_url}{path}"
        return self._session.request(method, url, data=data, headers={**(headers or {}), **marks})

    @property
    def user_id(self) -> str:
        """The signed-in user's id; empty before the first call, or when the org does not tell."""
        return self._adapter.user_id

    def versions(self) -> list[str]:
        """The API versions that the org offers."""
        reply = self._session.get(f"{self._options.base_url}/services/data")
        return [entry["version"] for entry in answers.listed(reply, version=str)]

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _sign_in(self) -> str:
        """A new access token by the configured grant. CredentialsError when it is refused."""
        asked = token_request(self._options, self._runtime)
        url = f"{self._options.base_url.replace('http://', 'https://', 1)}{TOKEN_PATH}"
        token, _ = token_login(url, asked.form, "", self._options.consumer_key, asked.headers, None, self._session)
        return str(token)
