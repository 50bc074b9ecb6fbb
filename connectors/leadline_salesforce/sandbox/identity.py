"""Routes outside the REST API: the token endpoint, SOAP login, and who a session belongs to."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leadline_salesforce.sandbox.auth import Auth, OAuthError
from leadline_salesforce.sandbox.store import Org

NEWEST_SOAP_LOGIN = 64  # login() is not in later versions
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" {spaces}><soapenv:Body>{body}</soapenv:Body>'
    "</soapenv:Envelope>"
)


class Identity:
    """Handlers around one org's sign-in."""

    def __init__(self, auth: Auth, org: Org, org_id: str, user_id: str) -> None:
        self._auth = auth
        self._org = org
        self._org_id = org_id
        self._user_id = user_id

    def routes(self) -> Sequence[BaseRoute]:
        """The paths; none of them counts against the daily limit."""
        return [
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/oauth2/userinfo", self._user_info, methods=["GET", "POST"]),
            Route("/services/oauth2/revoke", self._revoke, methods=["GET", "POST"]),
            Route("/id/{org}/{user}", self._who, methods=["GET"]),
            Route("/services/Soap/u/{version}", self._soap, methods=["POST"]),
            Route("/services/Soap/c/{version}", self._soap, methods=["POST"]),
            Route("/services/Soap/u/{version}/{org}", self._soap, methods=["POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        try:
            granted = self._auth.grant(
                await _form(request), request.headers.get("authorization", ""), _base_url(request)
            )
        except OAuthError as error:
            return _json(error.body(), error.status)
        return _json(granted)

    async def _revoke(self, request: Request) -> Response:
        token = (await _form(request)).get("token") or request.query_params.get("token", "")
        if self._auth.sessions.revoke(token):
            return Response(b"")
        if token in self._auth.refresh_tokens:
            self._auth.refresh_tokens.discard(token)
            return Response(b"")
        return _json(OAuthError("invalid_token", "invalid token").body(), 400)

    async def _user_info(self, request: Request) -> Response:
        if not self._signed_in(request):
            return Response("Bad_OAuth_Token", 403, media_type="text/html")
        base_url, user = _base_url(request), self._user()
        about = {
            "sub": self._id_url(base_url),
            "preferred_username": user["Username"],
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "email_verified": True,
            "zoneinfo": "GMT",
            "picture": None,
        }
        return _json(about | self._about(base_url))

    async def _who(self, request: Request) -> Response:
        if not self._signed_in(request):
            return Response("Bad_OAuth_Token", 403, media_type="text/html")
        base_url, user = _base_url(request), self._user()
        about = {
            "id": self._id_url(base_url),
            "asserted_user": True,
            "username": user["Username"],
            "display_name": user["Name"],
            "first_name": user.get("FirstName"),
            "last_name": user.get("LastName"),
            "timezone": "GMT",
        }
        return _json(about | self._about(base_url))

    def _about(self, base_url: str) -> dict[str, Any]:
        user = self._user()
        rest = f"{base_url}/services/data/v{{version}}/"
        return {
            "user_id": self._user_id,
            "organization_id": self._org_id,
            "name": user["Name"],
            "nick_name": user["Name"],
            "email": user["Email"],
            "user_type": "STANDARD",
            "active": user["IsActive"],
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "urls": {
                "rest": rest,
                "sobjects": f"{rest}sobjects/",
                "query": f"{rest}query/",
                "search": f"{rest}search/",
                "users": f"{rest}chatter/users",
                "partner": f"{base_url}/services/Soap/u/{{version}}/{self._org_id[:15]}",
                "enterprise": f"{base_url}/services/Soap/c/{{version}}/{self._org_id[:15]}",
                "custom_domain": base_url,
            },
        }

    async def _soap(self, request: Request) -> Response:
        """login() and logout() of the partner API; nothing else of it is here."""
        text = (await request.body()).decode("utf-8", "replace")
        version = request.path_params["version"]
        called = re.search(r"<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)", text)
        if called is None or called[1] not in ("login", "logout"):
            return _fault("INVALID_OPERATION", "only login and logout are served here")
        if called[1] == "logout":
            self._auth.sessions.revoke(_element(text, "sessionId"))
            return _soap_reply("<logoutResponse/>")
        if not re.fullmatch(r"\d{2}\.0", version) or float(version) > NEWEST_SOAP_LOGIN:
            return _fault(
                "UNSUPPORTED_API_VERSION",
                f"SOAP API login() is not available in API version {NEWEST_SOAP_LOGIN + 1}.0 and later.",
            )
        if not self._auth.knows(_element(text, "username"), _element(text, "password")):
            return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
        return self._logged_in(_base_url(request), version)

    def _logged_in(self, base_url: str, version: str) -> Response:
        user, url = self._user(), html.escape(f"{base_url}/services/Soap/u/{version}/{self._org_id[:15]}")
        about = {
            "organizationId": self._org_id,
            "organizationName": "Leadline Sandbox",
            "userEmail": user["Email"],
            "userFullName": user["Name"],
            "userId": self._user_id,
            "userName": user["Username"],
            "userTimeZone": "GMT",
            "sessionSecondsValid": int(self._auth.sessions.seconds),
        }
        info = "".join(f"<{name}>{html.escape(str(value))}</{name}>" for name, value in about.items())
        return _soap_reply(
            f"<loginResponse><result><metadataServerUrl>{url}</metadataServerUrl><passwordExpired>false"
            f"</passwordExpired><sandbox>true</sandbox><serverUrl>{url}</serverUrl><sessionId>"
            f"{html.escape(self._auth.sessions.issue())}</sessionId><userId>{self._user_id}</userId>"
            f"<userInfo>{info}</userInfo></result></loginResponse>"
        )

    def _signed_in(self, request: Request) -> bool:
        _, _, token = request.headers.get("authorization", "").partition(" ")
        return self._auth.sessions.alive(token or request.query_params.get("access_token", ""))

    def _user(self) -> dict[str, Any]:
        user = self._org.row(self._user_id)
        if user is None:
            raise KeyError(self._user_id)
        return user

    def _id_url(self, base_url: str) -> str:
        return f"{base_url}/id/{self._org_id}/{self._user_id}"


def _element(text: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}[^>]*>(.*?)</(?:\w+:)?{name}>", text, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def _soap_reply(body: str, status: int = 200) -> Response:
    spaces = 'xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com"'
    return Response(_ENVELOPE.format(spaces=spaces, body=body), status, media_type="text/xml;charset=UTF-8")


def _fault(code: str, message: str) -> Response:
    words = html.escape(message)
    return _soap_reply(
        f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{code}: {words}</faultstring><detail>"
        f"<sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{words}"
        "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>",
        500,
    )


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json;charset=UTF-8")
