"""The hard deadline of a call holds against an answer that never ends."""

from __future__ import annotations

import pytest
from tests.drip import dripping

from leadline import registry
from leadline.sdk.errors import TransientError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import PullRequest

OPTIONS = {
    "salesforce": ("Account", {"consumer_key": "key", "consumer_secret": "secret"}),
    "hubspot": ("companies", {"access_token": "token"}),
}


@pytest.mark.parametrize("name", registry.names())
def test_an_answer_that_trickles_is_given_up(name: str) -> None:
    named, options = OPTIONS[name]
    with dripping() as base_url:
        runtime = Runtime("crm", now=lambda: 0, sleep=lambda _: None, timeout=0.2, attempts=2)
        connection = registry.connect(name, {"base_url": base_url, **options}, runtime)
        try:
            with pytest.raises(TransientError, match="no answer"):
                connection.count(PullRequest(named, ("Id",)))
        finally:
            connection.close()
