"""What the environment says. Every name here stands in `.env.example`, with its meaning."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK_PREFIXES = ("http://127.0.0.1", "http://localhost", "http://[::1]")
Words = Annotated[tuple[str, ...], NoDecode]


class UnsafeSettings(Exception):
    """The environment is missing something, or holds something unsafe; one sentence for each name."""


class Settings(BaseSettings):
    """Settings by name. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr | None = None
    database_pool_size: int = Field(default=10, ge=1, le=200)

    stripe_secret_key: SecretStr | None = None
    stripe_publishable_key: str | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: str = "https://api.stripe.com"

    jwt_secret: SecretStr | None = None
    jwt_jwks_url: str | None = None
    jwt_algorithms: Words = ("HS256",)
    jwt_audience: str | None = None
    jwt_issuer: str | None = None
    jwt_user_id_claim: str = "sub"
    jwt_email_claim: str = "email"
    jwt_role_claim: str = "role"
    jwt_max_lifetime: int = Field(default=31 * 86_400, gt=0)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    workers: int = Field(default=1, ge=1, le=64)
    cors_origins: Words = ()
    introspection: bool = False

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @field_validator("jwt_algorithms", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(word.strip() for word in value.split(",") if word.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object, info: object) -> object:
        return cls.model_fields[info.field_name].default if value == "" else value  # type: ignore[attr-defined]

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Every secret that may sign an event: two while one is being rotated."""
        given = self.stripe_webhook_secret.get_secret_value() if self.stripe_webhook_secret else ""
        return tuple(secret.strip() for secret in given.split(",") if secret.strip())

    @property
    def is_live(self) -> bool:
        key = self.stripe_secret_key.get_secret_value() if self.stripe_secret_key else ""
        return key.startswith(("sk_live_", "rk_live_"))


def read_settings(**overrides: object) -> Settings:
    """The settings of this process; `UnsafeSettings` names what can't be read."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise UnsafeSettings("\n".join(lines)) from None
