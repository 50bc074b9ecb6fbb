"""The options of a connection to one portal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from leadline.sdk.errors import ConfigError
from leadline_hubspot.tokens import Grant


class Rates(BaseModel):
    """How fast the portal may be called. The defaults are those of Professional and Enterprise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls_per_10_seconds: int = Field(190, ge=1, description="All calls but search, in any ten seconds.")
    searches_per_second: int = Field(5, ge=1, description="Search calls in any second; shared by the whole account.")
    daily_reserve_percent: int = Field(
        5, ge=0, le=90, description="Share of the account's calls a day that is left to other apps."
    )


class Options(BaseModel):
    """One portal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    access_token: SecretStr | None = Field(None, description="Token of a private app or service key.")
    client_id: str | None = Field(None, description="Of an OAuth app, instead of `access_token`.")
    client_secret: SecretStr | None = Field(None, description="Of the same OAuth app.")
    refresh_token: SecretStr | None = Field(None, description="What the OAuth app got when it was installed.")
    webhook_secret: SecretStr | None = Field(
        None, description="Client secret of the app that sends webhooks, if it is another one than `client_secret`."
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
    links_reread_hours: int = Field(
        24,
        ge=0,
        description="After so many hours all records of an object are read again with their associations, whose "
        "changes may move no stamp; 0 for never.",
    )
    lifecycle_backward: bool = Field(
        False, description="Let a lifecycle stage be set back: cleared, then set. Otherwise such a row is refused."
    )
    email_event_types: tuple[str, ...] = Field(
        ("OPEN", "CLICK"), description="Types of events that the object email_events consists of."
    )
    event_types: tuple[str, ...] = Field(
        ("e_visited_page",), description="Types of events that the object event_occurrences consists of."
    )

    @field_validator("access_token", "client_secret", "refresh_token", "webhook_secret")
    @classmethod
    def _usable(cls, secret: SecretStr | None) -> SecretStr | None:
        """Without the line end of the file that it came from. An empty key would prove every webhook."""
        if secret is None:
            return None
        text = secret.get_secret_value().strip()
        if not text or not text.isascii() or not text.isprintable():
            raise ValueError("it is empty, or holds characters that no secret of HubSpot has")
        return SecretStr(text)

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Options:
        grant = {name: getattr(self, name) for name in ("client_id", "client_secret", "refresh_token")}
        missing = [name for name, value in grant.items() if value is None]
        if self.access_token is None and missing:
            raise ValueError(f"give `access_token`, or the three of an OAuth app (missing: {', '.join(missing)})")
        if self.access_token is not None and self.refresh_token is not None:
            raise ValueError("give `access_token` or `refresh_token`, not both")
        return self

    @property
    def grant(self) -> Grant | None:
        """What an OAuth app signs in with; None when a token does."""
        if self.client_id is None or self.client_secret is None or self.refresh_token is None:
            return None
        return Grant(self.client_id, self.client_secret, self.refresh_token)

    @property
    def webhook_key(self) -> SecretStr | None:
        """What webhooks are signed with."""
        return self.webhook_secret or self.client_secret


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
