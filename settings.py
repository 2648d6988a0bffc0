"""What the environment says. Every name here stands in `.env.example`, with its meaning."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from runtime.addresses import is_network, is_postgresql_url, is_private
from runtime.origins import AllowedOrigins, is_header_name, problems_of
from runtime.tracing import TracingUnavailable, check_tracing
from services.identity.public_keys import JwksKeys, check_jwks_url
from services.identity.rate_limits import RateLimits
from services.identity.tokens import TokenRules, TokenVerifier, UnsafeTokenRules, issue_token
from services.operations.manifests import UnreadableManifest, read_manifest

DEFAULT_API_BASE = "https://api.stripe.com"
STRIPES_LIMIT = 25.0  # calls a second to each endpoint, unless Stripe has raised it for an account
SHORTEST_METRICS_TOKEN = 16
Words = Annotated[tuple[str, ...], NoDecode]


class UnsafeSettings(Exception):
    """The environment is missing something, or holds something unsafe; one sentence for each name."""

    def __str__(self) -> str:
        return f"{super().__str__()}\nSee .env.example for what each setting means."


class Settings(BaseSettings):
    """Settings by name. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr | None = None
    database_pool_size: int = Field(default=10, ge=1, le=200)

    stripe_secret_key: SecretStr | None = None
    stripe_publishable_key: str | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: str = DEFAULT_API_BASE
    stripe_calls_per_second: float | None = Field(default=None, gt=0)

    jwt_secret: SecretStr | None = None
    jwt_jwks_url: str | None = None
    jwt_algorithms: Words = ()
    jwt_audience: str | None = None
    jwt_audience_claim: str = "aud"
    jwt_issuer: str | None = None
    jwt_user_id_claim: str = "sub"
    jwt_email_claim: str = "email"
    jwt_role_claim: str = "role"
    jwt_max_lifetime: int = Field(default=31 * 86_400, gt=0)

    orders_per_minute: int = Field(default=120, ge=1)
    payments_per_minute: int = Field(default=300, ge=1)
    payments_per_minute_of_order: int = Field(default=120, ge=1)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    workers: int = Field(default=1, ge=1, le=64)
    cors_origins: Words = ()
    cors_origin_patterns: Words = ()
    cors_headers: Words = ()
    trusted_proxies: Words = ()
    introspection: bool = False
    explorer: bool = False
    trusted_documents: Path | None = None
    trusted_documents_only: bool = False

    metrics_token: SecretStr | None = None
    otel_exporter_otlp_endpoint: str | None = None

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    data_dir: Path = Path(__file__).parent / ".data"

    @field_validator(
        "jwt_algorithms",
        "cors_origins",
        "cors_origin_patterns",
        "cors_headers",
        "trusted_proxies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(word.strip() for word in value.split(",") if word.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object, info: ValidationInfo) -> object:
        return cls.model_fields[info.field_name or ""].default if value == "" else value

    @field_validator("database_url")
    @classmethod
    def _is_a_postgresql_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not is_postgresql_url(value.get_secret_value()):
            raise PydanticCustomError(
                "database_url", "is no URL such as postgresql://user:password@host/name"
            )
        return value

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Every secret that may sign an event: two while one is being rotated."""
        given = self.stripe_webhook_secret.get_secret_value() if self.stripe_webhook_secret else ""
        return tuple(secret.strip() for secret in given.split(",") if secret.strip())

    @property
    def is_live(self) -> bool:
        key = self.stripe_secret_key.get_secret_value() if self.stripe_secret_key else ""
        return key.startswith(("sk_live_", "rk_live_"))

    @property
    def calls_per_second(self) -> float | None:
        """Of one worker, to each of Stripe's endpoints. A stand-in has no limit unless one is set."""
        known = STRIPES_LIMIT if self.stripe_api_base == DEFAULT_API_BASE else None
        limit = self.stripe_calls_per_second or known
        return limit / self.workers if limit else None

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """The settings of this process; `UnsafeSettings` names what can't be read."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            lines = [f"{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
            raise UnsafeSettings("\n".join(lines)) from None

    def safe(self) -> Self:
        """Itself, when a server may open its port with it; `UnsafeSettings` with one sentence a name otherwise."""
        problems = [
            *_missing(self),
            *_unsafe_stripe(self),
            *_unsafe_callers(self),
            *_unusable_documents(self),
            *_unsafe_operations(self),
        ]
        if problems:
            raise UnsafeSettings("\n".join(problems))
        return self

    @property
    def allowed_origins(self) -> AllowedOrigins:
        """Whose pages may call besides the server's own."""
        return AllowedOrigins(self.cors_origins, self.cors_origin_patterns)

    @property
    def gateway_options(self) -> dict[str, Any]:
        return {"api_base": self.stripe_api_base, "calls_per_second": self.calls_per_second}

    @property
    def server_options(self) -> dict[str, Any]:
        """uvicorn's: no access log, since it would hold query strings, and no trust but in named proxies."""
        quiet = {"log_config": None, "access_log": False, "server_header": False}
        proxies = {
            "proxy_headers": bool(self.trusted_proxies),
            "forwarded_allow_ips": [*self.trusted_proxies],
        }
        bounds = {
            "http": "runtime.http_edge:BoundedArrival",
            "timeout_graceful_shutdown": 20,
            "ws_max_size": 100_000,
        }
        return {"host": self.host, "port": self.port, **bounds, **quiet, **proxies}

    def token_rules(self) -> TokenRules:
        secret = reveal(self.jwt_secret) or None
        return TokenRules(
            secret=secret,
            algorithms=self.jwt_algorithms or (("HS256",) if secret else ("RS256", "ES256")),
            jwks_url=self.jwt_jwks_url,
            audience=self.jwt_audience,
            audience_claim=self.jwt_audience_claim,
            issuer=self.jwt_issuer,
            user_id_claim=self.jwt_user_id_claim,
            email_claim=self.jwt_email_claim,
            role_claim=self.jwt_role_claim,
            max_lifetime=timedelta(seconds=self.jwt_max_lifetime),
        )

    def rate_limits(self) -> RateLimits:
        return RateLimits(
            orders_per_user=self.orders_per_minute,
            payments_per_user=self.payments_per_minute,
            payments_per_order=self.payments_per_minute_of_order,
        )

    def public_keys(self) -> JwksKeys | None:
        """The issuer's, for one verifier; None where a secret signs the tokens."""
        return JwksKeys(self.jwt_jwks_url) if self.jwt_jwks_url else None

    def token_verifier(self, keys: JwksKeys | None) -> TokenVerifier:
        return TokenVerifier(self.token_rules(), keys)

    def token_maker(self, lifetime: timedelta = timedelta(days=7)) -> Callable[[str, str | None], str]:
        """Makes bearer tokens that a server with these settings takes, for a user id and a role."""
        secret = needed(self.jwt_secret, "JWT_SECRET")
        if lifetime.total_seconds() > self.jwt_max_lifetime:
            raise UnsafeSettings(
                f"JWT_MAX_LIFETIME: no token is taken for more than {self.jwt_max_lifetime} seconds"
            )
        audience, issuer = self.jwt_audience, self.jwt_issuer

        def make(user_id: str, role: str | None = None) -> str:
            try:
                return issue_token(
                    secret=secret,
                    user_id=user_id,
                    role=role,
                    lifetime=lifetime,
                    audience=audience,
                    issuer=issuer,
                )
            except UnsafeTokenRules as error:
                raise UnsafeSettings(f"JWT_SECRET: {error}") from None

        return make


def _missing(settings: Settings) -> Iterator[str]:
    needed = {
        "DATABASE_URL": settings.database_url,
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_PUBLISHABLE_KEY": settings.stripe_publishable_key,
    }
    yield from (f"{name}: is not set" for name, value in needed.items() if not value)
    if not (settings.jwt_secret or settings.jwt_jwks_url):
        yield "JWT_SECRET: is not set, nor is JWT_JWKS_URL"


def _unsafe_stripe(settings: Settings) -> Iterator[str]:
    secret = reveal(settings.stripe_secret_key)
    publishable = settings.stripe_publishable_key or ""
    base = settings.stripe_api_base
    if secret and not secret.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        yield "STRIPE_SECRET_KEY: is no secret or restricted key of Stripe (sk_… or rk_…)"
    if publishable and not publishable.startswith(("pk_test_", "pk_live_")):
        yield "STRIPE_PUBLISHABLE_KEY: is no publishable key of Stripe (pk_…)"
    elif secret and publishable and settings.is_live != publishable.startswith("pk_live_"):
        yield "STRIPE_PUBLISHABLE_KEY: is of the other mode than STRIPE_SECRET_KEY (test and live)"
    if not is_private(base):
        yield "STRIPE_API_BASE: must be https, or http on this machine"
    if settings.is_live and base != DEFAULT_API_BASE:
        yield "STRIPE_API_BASE: a live key goes to api.stripe.com only"
    if any(not secret.startswith("whsec_") for secret in settings.webhook_secrets):
        yield "STRIPE_WEBHOOK_SECRET: each secret begins with whsec_"


def _unsafe_operations(settings: Settings) -> Iterator[str]:
    if settings.explorer and not settings.introspection:
        yield "EXPLORER: needs INTROSPECTION=true, since it reads the schema"
    if settings.metrics_token and len(reveal(settings.metrics_token)) < SHORTEST_METRICS_TOKEN:
        yield f"METRICS_TOKEN: needs {SHORTEST_METRICS_TOKEN} characters or more: openssl rand -base64 24"
    if settings.otel_exporter_otlp_endpoint:
        try:
            check_tracing(settings.otel_exporter_otlp_endpoint)
        except TracingUnavailable as error:
            yield f"OTEL_EXPORTER_OTLP_ENDPOINT: {error}"


def _unusable_documents(settings: Settings) -> Iterator[str]:
    if settings.trusted_documents is None:
        if settings.trusted_documents_only:
            yield "TRUSTED_DOCUMENTS: is not set, and TRUSTED_DOCUMENTS_ONLY lets nothing else through"
        return
    try:
        read_manifest(settings.trusted_documents)
    except UnreadableManifest as error:
        yield f"TRUSTED_DOCUMENTS: {error}"


def _unsafe_callers(settings: Settings) -> Iterator[str]:
    yield from problems_of(settings.cors_origins, settings.cors_origin_patterns)
    if not all(map(is_header_name, settings.cors_headers)):
        yield "CORS_HEADERS: each is the name of a header, such as X-Shop-Version, and never `*`"
    if not all(map(is_network, settings.trusted_proxies)):
        yield "TRUSTED_PROXIES: each is an address or a network, such as 10.0.0.7 or 10.0.0.0/24, and never everybody"
    if settings.jwt_secret or settings.jwt_jwks_url:
        try:
            settings.token_rules()
            if settings.jwt_jwks_url:
                check_jwks_url(settings.jwt_jwks_url)
                yield from _any_audience(settings)
        except UnsafeTokenRules as error:
            name = "JWT_SECRET" if settings.jwt_secret else "JWT_JWKS_URL"
            yield str(error) if str(error).startswith("JWT_") else f"{name}: {error}"


def _any_audience(settings: Settings) -> Iterator[str]:
    if not (settings.jwt_issuer or settings.jwt_audience):
        yield (
            "JWT_AUDIENCE: is not set, nor is JWT_ISSUER: with JWT_JWKS_URL at least one is needed, since the issuer "
            "signs other applications' tokens with the same keys"
        )


def reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def needed(setting: SecretStr | None, name: str) -> str:
    """The setting's text, for a command that can't do without it."""
    if setting is None:
        raise UnsafeSettings(f"{name}: is not set")
    return setting.get_secret_value()
