"""The options of a Salesforce connection."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from leadline.sdk.errors import ConfigError
from leadline.sdk.http import require_tls
from leadline_salesforce import versions

_SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class Grant(StrEnum):
    """The ways to sign in."""

    CLIENT_CREDENTIALS = "client credentials"
    JWT = "JWT bearer"
    PASSWORD = "username and password"  # noqa: S105 - the name of a way
    REFRESH_TOKEN = "refresh token"  # noqa: S105


class SalesforceOptions(BaseModel):
    """How to reach an org, how to sign in (see `grant`), and how it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(description="The org's My Domain address, such as https://acme.my.salesforce.com.")
    consumer_key: str = Field(min_length=1, description="Consumer key of the external client app.")
    consumer_secret: SecretStr | None = Field(default=None, description="Consumer secret of the app.")
    username: str | None = Field(default=None, description="Integration user, for JWT bearer or a password.")
    private_key: SecretStr | None = Field(default=None, description="PEM private key, for the JWT bearer flow.")
    private_key_file: Path | None = Field(default=None, description="File with the PEM private key.")
    password: SecretStr | None = Field(default=None, description="Password of the user, for old orgs.")
    security_token: SecretStr | None = Field(default=None, description="The user's security token, with a password.")
    refresh_token: SecretStr | None = Field(
        default=None, description="Refresh token of a user who has authorized the app."
    )
    audience: str = Field(
        default="https://login.salesforce.com",
        description="Audience of the JWT; https://test.salesforce.com for the vendor's own sandboxes.",
    )
    api_version: str = Field(default=versions.DEFAULT, pattern=r"^\d{2}\.0$", description="Version of the API.")
    ca_file: Path | None = Field(default=None, description="PEM file with a private certificate authority.")

    reserve_percent: int = Field(
        default=10, ge=0, le=99, description="Part of the org's daily API calls that is left to others, in percent."
    )
    bulk_above_rows: int = Field(
        default=20_000, ge=2_000, description="With more rows than this left to read, a Bulk API 2.0 query reads them."
    )
    overlap_seconds: int = Field(
        default=600,
        ge=0,
        description="How far back a pull looks again: a row becomes visible when its transaction ends, stamped when it "
        "began, and Salesforce lets one last ten minutes.",
    )
    formula_reread_hours: int = Field(
        default=24,
        ge=0,
        description="Hours after which an object with mapped formula, roll-up or lookup fields is read anew; 0: never.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None, min_length=16, description="Secret with which the org signs its callouts to Leadline."
    )
    webhook_token: SecretStr | None = Field(
        default=None, min_length=16, description="Token that callouts carry where the org cannot sign them."
    )

    @field_validator("api_version")
    @classmethod
    def _has_what_is_called(cls, version: str) -> str:
        if lacking := versions.too_old(version):
            raise ValueError(f"version {version} has no {', no '.join(lacking)}; the least is {versions.LEAST}")
        return version

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> SalesforceOptions:
        key = self.private_key is not None or self.private_key_file is not None
        if sum((key, self.password is not None, self.refresh_token is not None)) > 1:
            raise ValueError("give one of a private key, password and refresh_token")
        if self.refresh_token is not None:
            return self
        if self.password is not None:
            if self.username and self.consumer_secret is not None:
                return self
            raise ValueError("a password needs username and consumer_secret beside it")
        if self.consumer_secret is not None and not key:
            return self
        if key and self.username and self.consumer_secret is None:
            return self
        raise ValueError(
            "give either consumer_secret (client credentials), username with private_key or private_key_file (JWT), "
            "username with password and consumer_secret, or refresh_token"
        )

    @property
    def grant(self) -> Grant:
        """The way to sign in that the options are for."""
        if self.refresh_token is not None:
            return Grant.REFRESH_TOKEN
        if self.password is not None:
            return Grant.PASSWORD
        return Grant.CLIENT_CREDENTIALS if self.consumer_secret is not None else Grant.JWT

    def key_pem(self) -> str:
        """The private key. ConfigError when its file cannot be read."""
        if self.private_key is not None:
            return self.private_key.get_secret_value()
        if self.private_key_file is None:
            raise ConfigError("No private key is set.", place="private_key")
        try:
            return self.private_key_file.read_text("utf-8")
        except OSError as error:
            raise ConfigError(
                f"{self.private_key_file} cannot be read: {error.strerror}.",
                place="private_key_file",
                fix="Point it at the PEM file of the connected app's certificate.",
            ) from error


def read_options(options: Mapping[str, object], connection: str) -> SalesforceOptions:
    """Checked options. ConfigError, naming the setting, for options that cannot work."""
    try:
        read = SalesforceOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(["connections", connection, *(str(part) for part in first["loc"])])
        raise ConfigError(first["msg"].removeprefix("Value error, ") + ".", place=place) from None
    place = f"connections.{connection}.base_url"
    base_url = require_tls(read.base_url, setting=place)
    host = urlsplit(base_url).hostname
    if host in _SHARED_HOSTS:
        raise ConfigError(
            f"{host} is shared by all orgs.",
            place=place,
            fix="Use the org's My Domain address: Setup, My Domain, Current My Domain URL.",
        )
    if read.ca_file is not None and not read.ca_file.is_file():
        raise ConfigError(f"{read.ca_file} is not a file.", place=f"connections.{connection}.ca_file")
    return read.model_copy(update={"base_url": base_url})
