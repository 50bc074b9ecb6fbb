"""The options of a Salesforce connection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from leadline.sdk.errors import ConfigError
from leadline.sdk.http import require_tls

_SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class SalesforceOptions(BaseModel):
    """How to reach an org and sign in: with `consumer_secret`, or with `username` and a private key."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(description="The org's My Domain address, such as https://acme.my.salesforce.com.")
    consumer_key: str = Field(min_length=1, description="Consumer key of the external client app.")
    consumer_secret: SecretStr | None = Field(default=None, description="Consumer secret, for client credentials.")
    username: str | None = Field(default=None, description="Integration user, for the JWT bearer flow.")
    private_key: SecretStr | None = Field(default=None, description="PEM private key, for the JWT bearer flow.")
    private_key_file: Path | None = Field(default=None, description="File with the PEM private key.")
    audience: str = Field(
        default="https://login.salesforce.com",
        description="Audience of the JWT; https://test.salesforce.com for the vendor's own sandboxes.",
    )
    api_version: str = Field(default="66.0", pattern=r"^\d{2}\.0$", description="Version of the REST API.")
    ca_file: Path | None = Field(default=None, description="PEM file with a private certificate authority.")

    webhook_secret: SecretStr | None = Field(
        default=None, min_length=16, description="Secret with which the org signs its callouts to Leadline."
    )
    webhook_token: SecretStr | None = Field(
        default=None, min_length=16, description="Token that callouts carry where the org cannot sign them."
    )

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> SalesforceOptions:
        key = self.private_key is not None or self.private_key_file is not None
        if self.consumer_secret is not None and not key:
            return self
        if key and self.username and self.consumer_secret is None:
            return self
        raise ValueError(
            "give either consumer_secret (client credentials), or username with private_key or private_key_file (JWT)"
        )

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
