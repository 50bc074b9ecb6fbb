"""Settings: where a value comes from, what is refused, and that secrets stay secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from leadline import config
from leadline.config import Member, Settings
from leadline.sdk.errors import ConfigError


class Options(BaseModel):
    """What some connector takes."""

    model_config = ConfigDict(extra="forbid")

    login_url: str
    token: SecretStr
    page_size: int = 100


CRM = """
connections:
  crm:
    connector: hubspot
    options:
      login_url: https://example.test
      token: ${CRM_TOKEN}
"""


def project(folder: Path, text: str = "", **environ: str) -> Settings:
    """Load a project whose settings file holds `text`."""
    (folder / "leadline.yaml").write_text(text)
    return config.load(folder, environ={"LEADLINE_SECRETS_DIR": str(folder / "secrets"), **environ})


def refusal(folder: Path, text: str = "", **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        project(folder, text, **environ)
    return caught.value


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = project(tmp_path, "# nothing chosen yet\n")

    assert settings.database_url == f"sqlite:///{tmp_path}/leadline.db"
    assert settings.model_file == tmp_path / "models/b2b.yaml"
    assert settings.connections == {}
    assert settings.routing.pools == {"sales": []}
    assert (settings.push.min_points, settings.push.max_age_hours) == (5, 168)
    assert (settings.http.timeout_seconds, settings.http.attempts) == (30, 5)
    assert (settings.sync.chunk, settings.sync.read_workers) == (1000, 2)
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8686)
    assert settings.schedule.every_minutes == 15
    assert settings.write.lease_seconds == 90
    assert settings.now is None


def test_a_section_whose_keys_are_commented_out_stands_for_its_defaults(tmp_path: Path) -> None:
    settings = project(tmp_path, "connections:\n  # crm: {connector: x}\npush:\n  # min_points: 7\n")

    assert (settings.connections, settings.push.min_points) == ({}, 5)


def test_the_environment_wins_over_secret_files_over_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "LEADLINE_WEB__PORT").write_text("2\n")
    (tmp_path / "secrets" / "leadline_push__min_points").write_text("2\n")
    text = "web: {port: 1, host: h}\npush: {min_points: 1, max_age_hours: 1}"

    settings = project(tmp_path, text, LEADLINE_WEB__PORT="3")

    assert (settings.web.port, settings.web.host) == (3, "h")
    assert (settings.push.min_points, settings.push.max_age_hours) == (2, 1)
    assert settings.schedule.every_minutes == 15


def test_an_env_file_in_the_project_counts_as_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LEADLINE_WEB__PORT=4\nLEADLINE_WEB__HOST=a\nCRM_TOKEN=t0ken\nOTHER=x\n")

    settings = project(tmp_path, CRM, LEADLINE_WEB__HOST="b")

    assert (settings.web.port, settings.web.host) == (4, "b")
    assert settings.options("crm")["token"] == "t0ken"


def test_a_connection_may_be_completed_from_the_environment(tmp_path: Path) -> None:
    environ = {"LEADLINE_CONNECTIONS__CRM__OPTIONS__TOKEN": "123", "LEADLINE_CONNECTIONS__CRM__DAILY_CALLS": "900"}

    settings = project(tmp_path, CRM, **environ)

    assert settings.connections["crm"].daily_calls == 900
    assert settings.options("crm", Options) == {"login_url": "https://example.test", "token": "123"}


def test_the_mapping_of_a_connection_follows_its_connector(tmp_path: Path) -> None:
    text = "connections: {a: {connector: hubspot}, b: {connector: hubspot, mapping: my/own.yaml}}"

    settings = project(tmp_path, text)

    assert settings.mapping_file("a") == tmp_path / "mappings/hubspot.yaml"
    assert settings.mapping_file("b") == tmp_path / "my/own.yaml"


def test_pools_take_owners_with_weights(tmp_path: Path) -> None:
    settings = project(tmp_path, "routing: {pools: {default: [{owner: ann@acme.com, weight: 2}, {owner: '005x'}]}}")

    assert settings.routing.pools == {"default": [Member(owner="ann@acme.com", weight=2), Member(owner="005x")]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("web:\n  prot: 1\n", "leadline.yaml:2: web.prot: unknown key 'prot'. Did you mean 'port'?"),
        ("\nwbe: {}\n", "leadline.yaml:2: wbe: unknown key 'wbe'. Did you mean 'web'?"),
        ("http:\n  attempts: many\n", "leadline.yaml:2: http.attempts: should be a whole number, not 'many'."),
        ("web:\n  port: 70000\n", "leadline.yaml:2: web.port: should be less than or equal to 65535, not 70000."),
        ("log: {format: xml}\n", "leadline.yaml:1: log.format: unknown value 'xml'. Possible here: console, json."),
        ("connections:\n  crm: {}\n", "leadline.yaml:2: connections.crm: key 'connector' is missing."),
        ("- a\n", "leadline.yaml:1: should be a mapping (key: value)."),
        ("web: [\n", "leadline.yaml:2: not valid YAML"),
        ("now: soon\n", "leadline.yaml:1: now: 'soon' is not an ISO 8601 time, e.g. 2025-03-01T09:00:00Z."),
        ("connections:\n  My CRM: {connector: x}\n", "leadline.yaml:2: connections.My CRM: a connection's name is"),
    ],
)
def test_a_mistake_names_file_line_key_and_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    assert told in str(refusal(tmp_path, text))


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    error = refusal(tmp_path, "web: {port: 1}", LEADLINE_WEB__PORT="eight")

    assert str(error) == "variable LEADLINE_WEB__PORT: web.port: should be a whole number, not 'eight'."


def test_a_mistake_in_a_nested_json_variable_names_the_variable(tmp_path: Path) -> None:
    error = refusal(tmp_path, "", LEADLINE_ROUTING__POOLS='{"default": [{"owner": "a", "weight": 0}]}')

    assert error.place == "variable LEADLINE_ROUTING__POOLS__DEFAULT"
    assert "routing.pools.default[0].weight" in error.message


def test_a_variable_that_is_no_json_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, "", LEADLINE_CONNECTIONS="hubspot")

    assert error.place == "variable LEADLINE_CONNECTIONS"


def test_a_mistake_in_a_secret_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "LEADLINE_WEB__PORT").write_text("x")

    assert refusal(tmp_path).place == "secret file LEADLINE_WEB__PORT"


def test_a_folder_without_settings_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no project") as caught:
        config.load(tmp_path, environ={})

    assert "leadline init" in caught.value.fix


def test_references_are_resolved_when_used(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("from a file\n")
    text = CRM.replace("${CRM_TOKEN}", "{file: token.txt}") + "database: postgresql://u:${PG}@db/$${x}\n"

    settings = project(tmp_path, text, PG="pw")

    assert settings.options("crm")["token"] == "from a file"
    assert settings.database_url == "postgresql://u:pw@db/${x}"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("${CRM_TOKEN}", "connections.crm.options.token: environment variable CRM_TOKEN is not set."),
        ("${BLANK}", "connections.crm.options.token: environment variable BLANK is empty."),
        ("{file: gone}", "connections.crm.options.token: secret file 'gone' cannot be read: no such file"),
    ],
)
def test_a_reference_that_leads_nowhere_names_line_and_key(tmp_path: Path, reference: str, told: str) -> None:
    (tmp_path / ".env").write_text("BLANK=\n")
    settings = project(tmp_path, CRM.replace("${CRM_TOKEN}", reference))

    with pytest.raises(ConfigError) as caught:
        settings.options("crm")

    assert told in str(caught.value)
    assert caught.value.place == f"{tmp_path}/leadline.yaml:7"


def test_options_are_checked_against_the_connectors_model(tmp_path: Path) -> None:
    settings = project(tmp_path, CRM.replace("login_url", "logn_url"), CRM_TOKEN="t")

    with pytest.raises(ConfigError) as caught:
        settings.options("crm", Options)

    told = str(caught.value)
    assert "leadline.yaml:6: connections.crm.options.logn_url: unknown key 'logn_url'." in told
    assert "Did you mean 'login_url'?" in told


def test_an_unknown_connection_lists_those_there_are(tmp_path: Path) -> None:
    settings = project(tmp_path, CRM)

    with pytest.raises(ConfigError, match="no connection called 'crn'") as caught:
        settings.options("crn")

    assert caught.value.fix == "Connections here: crm."


def test_secrets_are_collected_for_redaction_and_appear_nowhere(tmp_path: Path) -> None:
    (tmp_path / "pem").write_text("-----KEY-----\n")
    text = CRM + "      signing: {file: pem}\n      gone_token: ${NOT_SET}\ndatabase: postgresql://u:${PG}@db/x\n"

    settings = project(tmp_path, text, CRM_TOKEN="t0ken", PG="pgpass", NOISE="x")

    assert settings.secrets() == {"t0ken", "-----KEY-----", "pgpass"}
    assert not any(secret in repr(settings) for secret in settings.secrets())


def test_a_secret_option_of_the_wrong_type_is_not_shown(tmp_path: Path) -> None:
    settings = project(tmp_path, CRM.replace("${CRM_TOKEN}", "4711"))

    with pytest.raises(ConfigError) as caught:
        settings.options("crm", Options)

    assert "options.token: should be a text" in str(caught.value)
    assert "4711" not in str(caught.value)


def test_literal_secrets_in_the_environment_are_not_in_the_complaint(tmp_path: Path) -> None:
    """Values of options never appear in what `load` complains about."""
    error = refusal(tmp_path, "connections: {crm: {options: {token: t0ken-1}}}")

    assert "t0ken-1" not in str(error)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1970-01-01T00:01:00Z", 60), ("1970-01-01T01:01:00+01:00", 60), ("1970-01-02", 86_400), (90, 90)],
)
def test_the_clock_stands_at_the_time_that_is_set(tmp_path: Path, written: Any, seconds: int) -> None:
    settings = project(tmp_path, f"now: {written}\n")

    assert settings.now == seconds
    assert settings.clock()() == seconds


def test_now_is_taken_from_the_environment_and_overridden_by_the_caller(tmp_path: Path) -> None:
    assert project(tmp_path, "", LEADLINE_NOW="1970-01-01T00:01:00Z").now == 60
    assert config.load(tmp_path, now=7, environ={"LEADLINE_NOW": "1970-01-01T00:01:00Z"}).now == 7


def test_an_unset_clock_runs(tmp_path: Path) -> None:
    assert project(tmp_path).clock()() > 1_700_000_000
