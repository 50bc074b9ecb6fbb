"""What a connection signs in with: a token that stays, or one that is renewed before it ends.

HubSpot tells how long a token lasts (`expires_in`, half an hour); its guide says not to take a 401 for a
sign of expiry. So the time decides, and a 401 renews once in case the clock or the token was wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

from leadline.sdk.errors import CredentialsError, TransientError
from leadline_hubspot.answers import FIX

MARGIN = 120
"""Seconds before its end at which a token is renewed: longer than any call may take."""
_LIFETIME = 1_800  # seconds, HubSpot's, should it not say


class Tokens(Protocol):
    """Gives the token of a call."""

    def current(self) -> str:
        """A token that is good for the next call. CredentialsError when none can be had."""
        ...

    def renew(self, refused: str) -> bool:
        """Whether there is another token than this one, which was refused. CredentialsError as above."""
        ...


class StaticToken:
    """The token of a private app or service key."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def current(self) -> str:
        """The token."""
        return self._token.get_secret_value()

    def renew(self, refused: str) -> bool:
        """False: it is the only one."""
        return refused != self.current()


@dataclass(frozen=True, slots=True)
class Grant:
    """What an OAuth app was given when it was installed."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr

    def form(self) -> Mapping[str, str]:
        """The fields of a request for a token. They go into the body: an address would be logged."""
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "refresh_token": self.refresh_token.get_secret_value(),
        }


class RefreshedToken:
    """Tokens of an OAuth app, one at a time for all threads.

    `exchange(form)` asks the portal for a token and gives its answer; it raises CredentialsError when the
    grant is refused. A refusal is final for the life of the connection: asking again would not help, and
    a storm of refused sign-ins gets an app blocked.
    """

    def __init__(
        self, grant: Grant, exchange: Callable[[Mapping[str, str]], Mapping[str, Any]], now: Callable[[], int]
    ) -> None:
        self._grant = grant
        self._exchange = exchange
        self._now = now
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0
        self._refusal: CredentialsError | None = None

    def current(self) -> str:
        """A token with more than `MARGIN` seconds left."""
        with self._lock:
            if not self._token or self._now() >= self._renew_at:
                self._ask()
            return self._token

    def renew(self, refused: str) -> bool:
        """A new token, unless another thread was quicker."""
        with self._lock:
            if self._token == refused:
                self._ask()
            return self._token != refused

    def _ask(self) -> None:
        if self._refusal is not None:
            raise CredentialsError(self._refusal.message, fix=self._refusal.fix, place=self._refusal.place)
        try:
            answer = self._exchange(self._grant.form())
        except CredentialsError as error:
            self._refusal = error
            raise
        token, lifetime = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise TransientError("the sign-in was accepted and its answer holds no token", fix=FIX)
        self._token = token
        lifetime = lifetime if isinstance(lifetime, int) and lifetime > 0 else _LIFETIME
        self._renew_at = self._now() + lifetime - min(MARGIN, lifetime // 2)
