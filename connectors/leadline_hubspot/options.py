"""The options of a connection to one portal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from leadline.sdk.errors import ConfigError


class Rates(BaseModel):
    """How fast the portal may be called. The defaults are those of Professional and Enterprise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls_per_10_seconds: int = Field(190, ge=1, description="All calls but search, in any ten seconds.")
    searches_per_second: int = Field(5, ge=1, description="Search calls in any second; shared by the whole account.")


class Options(BaseModel):
    """One portal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    access_token: SecretStr = Field(description="Token of a private app, service key or OAuth app.")
    webhook_secret: SecretStr | None = Field(
        None, description="Client secret of the app that sends webhooks; without it none are believed."
    )
    base_url: str = Field("https://api.hubapi.com", description="Address of the API; another one only for a sandbox.")
    ca_file: Path | None = Field(None, description="Certificate authority to trust instead of the system's.")
    rates: Rates = Field(default_factory=lambda: Rates.model_validate({}), description="Limits of the portal's plan.")
    search_above_rows: int = Field(
        7_000,
        ge=0,
        description="Objects with more rows than this are read by search: 6 calls per 1,000 rows instead of 10, "
        "but at most 1,000 rows a second instead of 1,900.",
    )
    overlap_seconds: int = Field(
        60, ge=0, description="How far back an incremental read looks again, because search trails behind writes."
    )


def parse(options: Mapping[str, object], *, place: str) -> Options:
    """Options from the settings. ConfigError names each bad one, never its value."""
    try:
        return Options.model_validate(options)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'options'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise ConfigError(said, place=place, fix="See `leadline connectors` for the options of hubspot.") from None
