"""Connectors are found by entry point, imported on use, and their absence is explained."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from leadline import registry
from leadline.sdk.errors import ConfigError, MissingExtraError

LayOut = Callable[..., None]

CONNECTOR = """
class Acme:
    name = "acme"
    title = "Acme"

    def connect(self, options, runtime):
        import {needs}

    def sandbox(self):
        return None

connector = Acme()
"""


def test_listing_imports_nothing() -> None:
    """A fresh interpreter lists the shipped connectors without loading one of them."""
    script = (
        "import sys; from leadline import registry; print(registry.names());"
        "print([m for m in sys.modules if m.startswith('leadline_')])"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert answer == "['hubspot', 'salesforce']\n[]\n"


def test_unknown_name_lists_what_is_installed() -> None:
    with pytest.raises(ConfigError, match="no connector called 'hubspit' is installed") as caught:
        registry.load("hubspit")

    assert caught.value.fix == "Did you mean 'hubspot'? Installed: hubspot, salesforce."


def test_third_party_connector_is_found_and_loaded(third_party: LayOut) -> None:
    third_party("acme_plain", CONNECTOR.format(needs="json"))

    assert "acme" in registry.names()
    assert registry.package("acme") == "acme_plain 1.0"
    assert registry.load("acme").title == "Acme"


def test_missing_client_names_the_pip_command(third_party: LayOut) -> None:
    """The client is missed when connecting, and the extra that brings it is one of the distribution's own."""
    third_party("acme_extra", CONNECTOR.format(needs="no_such_client.api"), extras=("acme",))

    with pytest.raises(MissingExtraError, match="connector 'acme' needs 'no_such_client'") as caught:
        registry.connect("acme", {}, None)  # type: ignore[arg-type]  # never reached by this connector

    assert caught.value.fix == "Run: pip install 'acme_extra[acme]'"
    assert registry.missing_packages("acme") == ["no-such-client"]
    assert registry.install_command("acme") == "pip install 'acme_extra[acme]'"


def test_missing_client_without_an_extra_names_the_module(third_party: LayOut) -> None:
    third_party("acme_bare", "import no_such_client\n")

    with pytest.raises(MissingExtraError) as caught:
        registry.load("acme")

    assert caught.value.fix == "Run: pip install no_such_client"


def test_a_broken_connector_is_not_called_a_missing_extra(third_party: LayOut) -> None:
    """A module of the connector's own that is absent is the connector's fault, and is shown as it is."""
    third_party("acme_broken", "from acme_broken import nothing_here\n")

    with pytest.raises(ImportError, match="nothing_here"):
        registry.load("acme")


def test_a_broken_submodule_is_not_called_a_missing_extra(third_party: LayOut) -> None:
    third_party("acme_broken_too", "import acme_broken_too.absent\n")

    with pytest.raises(ModuleNotFoundError) as caught:
        registry.load("acme")

    assert not isinstance(caught.value, MissingExtraError)


def test_an_entry_point_that_points_at_nothing_is_explained(third_party: LayOut) -> None:
    third_party("acme_empty", "")

    with pytest.raises(ConfigError, match="acme_empty has no 'connector'"):
        registry.load("acme")


def test_two_claims_to_one_name_are_refused(third_party: LayOut) -> None:
    third_party("acme_one", CONNECTOR.format(needs="json"))
    third_party("acme_two", CONNECTOR.format(needs="json"))

    with pytest.raises(ConfigError, match="acme_one, acme_two"):
        registry.load("acme")


def test_a_connector_without_sandbox_says_so(third_party: LayOut) -> None:
    third_party("acme_dry", CONNECTOR.format(needs="json"))

    assert registry.missing_packages("acme") == []
    with pytest.raises(ConfigError, match="connector 'acme' brings no sandbox"):
        registry.sandbox("acme")
