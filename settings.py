"""What the environment says. Every name here stands in `.env.example`, with its meaning."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from psycopg import ProgrammingError
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from runtime.addresses import is_network, is_postgresql_url, networks_of
from runtime.database.address import UnknownDestination, is_local_or_encrypted
from runtime.environment import UnreadableEnvironment, near_misses, values_of
from runtime.http_edge import SERVER_BOUNDS
from runtime.origins import AllowedOrigins, is_header_name, problems_of, strangers_in
from runtime.tracing import TracingUnavailable, check_tracing
from services.identity.desk_sign_in import USUAL_SCOPE, DeskSignIn, problems_of_sign_in
from services.identity.public_keys import JwksKeys, check_jwks_url
from services.identity.rate_limits import RateLimits
from services.identity.token_rules import is_pattern, is_placeholder
from services.identity.tokens import TokenRules, TokenVerifier, UnsafeTokenRules, token_under
from services.operations.manifests import UnreadableManifest, read_manifest
from services.stripe_api.account_settings import DEFAULT_API_BASE, is_live_key, problems_of_stripe, usual_base

STRIPES_LIMIT = 25.0  # calls a second to each endpoint, unless Stripe has raised it for an account
SHORTEST_METRICS_TOKEN = 16
LONGEST_LIFETIME = 10 * 366 * 86_400  # seconds; more is a slip of the keyboard
_IN_A_HEADER = re.compile(r"[!-~]+")
_WRITTEN_AS_CODE = frozenset("[](){}\"'")
_SIGN_IN = ("DESK_OIDC_ISSUER", "DESK_OIDC_CLIENT_ID", "DESK_OIDC_SCOPE", "DESK_OIDC_AUDIENCE")
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 6265, 4.1.1


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    words = tuple(word.strip() for word in value.split(",") if word.strip())
    if any(_WRITTEN_AS_CODE & {word[0], word[-1]} for word in words):
        raise PydanticCustomError("words", "is a list such as web,ios: without quotes or brackets")
    return words


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


class UnsafeSettings(Exception):
    """The environment is missing something, or holds something unsafe; one sentence for each name."""

    def __str__(self) -> str:
        return f"{super().__str__()}\nSee .env.example for what each setting means."


class Settings(BaseModel):
    """Settings by name. Times are seconds, sizes bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr | None = None
    database_without_tls: bool = False
    database_pool_size: int = Field(default=10, ge=1, le=200)

    stripe_secret_key: SecretStr | None = None
    stripe_publishable_key: str | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: str = DEFAULT_API_BASE
    stripe_calls_per_second: float | None = Field(default=None, gt=0, le=10_000)
    stripe_statement_suffix: str | None = None

    jwt_secret: SecretStr | None = None
    jwt_jwks_url: str | None = None
    jwt_algorithms: Words = ()
    jwt_audience: Words = ()
    jwt_audience_claim: str = "aud"
    jwt_issuer: Words = ()
    jwt_user_id_claim: str = "sub"
    jwt_email_claim: str = "email"
    jwt_role_claim: str = "role"
    jwt_max_lifetime: int = Field(default=31 * 86_400, gt=0, le=LONGEST_LIFETIME)
    jwt_cookie: str | None = None

    orders_per_minute: int = Field(default=120, ge=1)
    payments_per_minute: int = Field(default=300, ge=1)
    payments_per_minute_of_order: int = Field(default=120, ge=1)
    order_reads_per_minute: int = Field(default=600, ge=1)
    cancels_per_minute: int = Field(default=60, ge=1)
    cancels_per_minute_of_order: int = Field(default=20, ge=1)
    refunds_per_minute: int = Field(default=300, ge=1)
    refunds_per_minute_of_order: int = Field(default=60, ge=1)
    order_imports_per_minute: int = Field(default=6_000, ge=1)
    order_updates_per_minute: int = Field(default=1_500, ge=1)
    order_updates_per_minute_of_order: int = Field(default=120, ge=1)
    product_saves_per_minute: int = Field(default=600, ge=1)
    order_lifetime: int | None = Field(default=None, ge=60, le=366 * 86_400)
    webhooks_to_private_networks: bool = False
    events_kept_days: int = Field(default=30, ge=7, le=3_650)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    workers: int = Field(default=1, ge=1, le=64)
    cors_origins: Words = ()
    cors_origin_patterns: Words = ()
    cors_headers: Words = ()
    trusted_proxies: Words = ()
    introspection: bool = False
    explorer: bool = False
    desk: bool = False
    desk_oidc_issuer: str | None = None
    desk_oidc_client_id: str | None = None
    desk_oidc_scope: str | None = None
    desk_oidc_audience: str | None = None
    trusted_documents: Path | None = None
    trusted_documents_only: bool = False
    federation: bool = False

    metrics_token: SecretStr | None = None
    otel_exporter_otlp_endpoint: str | None = None

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    log_format: Annotated[Literal["json", "console"], BeforeValidator(_lower)] = "json"

    data_dir: Path = Path(__file__).parent / ".data"

    @field_validator("stripe_api_base")
    @classmethod
    def _is_written_in_one_way(cls, value: str) -> str:
        return usual_base(value)

    @field_validator("database_url")
    @classmethod
    def _is_a_postgresql_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not is_postgresql_url(value.get_secret_value()):
            raise PydanticCustomError("url", "is no URL such as postgresql://user:password@host/name")
        return value

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Every secret that may sign an event: two while one is being rotated."""
        return _secrets(self.stripe_webhook_secret)

    @property
    def jwt_secrets(self) -> tuple[str, ...]:
        """Every secret that may sign a token: two while one is being rotated. The first signs new ones."""
        return _secrets(self.jwt_secret)

    @property
    def order_expiry(self) -> timedelta | None:
        """How long an order may stay unpaid; None for ever."""
        return timedelta(seconds=self.order_lifetime) if self.order_lifetime else None

    @property
    def is_live(self) -> bool:
        return is_live_key(reveal(self.stripe_secret_key))

    @property
    def calls_per_second(self) -> float | None:
        """Of one worker, to each of Stripe's endpoints. A stand-in has no limit unless one is set."""
        known = STRIPES_LIMIT if self.stripe_api_base == DEFAULT_API_BASE else None
        limit = self.stripe_calls_per_second or known
        return limit / self.workers if limit else None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The settings of this process; `UnsafeSettings` names what can't be read. An empty value counts as unset."""
        try:
            given = values_of(setting_names(), secret_names(), environment)
            return cls.model_validate({name.lower(): value for name, value in given.items()})
        except UnreadableEnvironment as error:
            raise UnsafeSettings(str(error)) from None
        except ValidationError as error:
            lines = [f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
            raise UnsafeSettings("\n".join(lines)) from None

    def problems(self) -> list[str]:
        """What keeps a server from opening its port: one sentence a name."""
        return [
            *_missing(self),
            *_unsafe_database(self),
            *_unsafe_stripe(self),
            *_unsafe_callers(self),
            *_unusable_documents(self),
            *_unsafe_operations(self),
        ]

    def safe(self) -> Self:
        """Itself, when a server may open its port with it; `UnsafeSettings` with one sentence a name otherwise."""
        problems = self.problems()
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
        """uvicorn's: where it listens, and no trust but in named proxies."""
        proxies = {
            "proxy_headers": bool(self.trusted_proxies),
            "forwarded_allow_ips": [*map(str, networks_of(self.trusted_proxies))],
        }
        return {"host": self.host, "port": self.port, **SERVER_BOUNDS, **proxies}

    def token_rules(self) -> TokenRules:
        usual = (
            *(("HS256",) if self.jwt_secrets else ()),
            *(("RS256", "ES256") if self.jwt_jwks_url else ()),
        )
        return TokenRules(
            secrets=self.jwt_secrets,
            algorithms=self.jwt_algorithms or usual,
            jwks_url=self.jwt_jwks_url,
            audiences=self.jwt_audience,
            audience_claim=self.jwt_audience_claim,
            issuers=self.jwt_issuer,
            user_id_claim=self.jwt_user_id_claim,
            email_claim=self.jwt_email_claim,
            role_claim=self.jwt_role_claim,
            max_lifetime=timedelta(seconds=self.jwt_max_lifetime),
        )

    @property
    def desk_sign_in(self) -> DeskSignIn | None:
        if not (self.desk_oidc_issuer and self.desk_oidc_client_id):
            return None
        scope = self.desk_oidc_scope or USUAL_SCOPE
        return DeskSignIn(self.desk_oidc_issuer, self.desk_oidc_client_id, scope, self.desk_oidc_audience)

    def rate_limits(self) -> RateLimits:
        return RateLimits(
            orders_per_user=self.orders_per_minute,
            payments_per_user=self.payments_per_minute,
            payments_per_order=self.payments_per_minute_of_order,
            reads_per_user=self.order_reads_per_minute,
            cancels_per_user=self.cancels_per_minute,
            cancels_per_order=self.cancels_per_minute_of_order,
            refunds_per_user=self.refunds_per_minute,
            refunds_per_order=self.refunds_per_minute_of_order,
            imports_per_caller=self.order_imports_per_minute,
            updates_per_caller=self.order_updates_per_minute,
            updates_per_order=self.order_updates_per_minute_of_order,
            product_saves_per_caller=self.product_saves_per_minute,
        )

    def public_keys(self) -> JwksKeys | None:
        """The issuer's, for one verifier; None where secrets alone sign the tokens."""
        return JwksKeys(self.jwt_jwks_url) if self.jwt_jwks_url else None

    def token_verifier(self, keys: JwksKeys | None) -> TokenVerifier:
        return TokenVerifier(self.token_rules(), keys)

    def token_maker(self, lifetime: timedelta | None = None) -> Callable[[str, str | None], str]:
        """Makes bearer tokens that a server with these settings takes, for a user id and a role.

        They are valid for a week if nothing else is said, or as long as JWT_MAX_LIFETIME allows.
        """
        valid_for = lifetime or timedelta(seconds=min(7 * 86_400, self.jwt_max_lifetime))
        if not self.jwt_secrets:
            raise UnsafeSettings("JWT_SECRET: is not set; the issuer of JWT_JWKS_URL makes its own tokens")
        if valid_for.total_seconds() > self.jwt_max_lifetime:
            raise UnsafeSettings(f"JWT_MAX_LIFETIME: is {self.jwt_max_lifetime} seconds, less than that")
        try:
            rules = self.token_rules()
        except UnsafeTokenRules as error:
            raise UnsafeSettings(_named(error, self)) from None

        def make(user_id: str, role: str | None = None) -> str:
            try:
                return token_under(rules, user_id=user_id, role=role, lifetime=valid_for)
            except UnsafeTokenRules as error:
                raise UnsafeSettings(str(error)) from None

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
    return problems_of_stripe(
        secret_key=reveal(settings.stripe_secret_key),
        publishable_key=settings.stripe_publishable_key or "",
        webhook_secrets=settings.webhook_secrets,
        api_base=settings.stripe_api_base,
        statement_suffix=settings.stripe_statement_suffix,
        calls_per_second=settings.calls_per_second,
    )


def _unsafe_operations(settings: Settings) -> Iterator[str]:
    if settings.explorer and not settings.introspection:
        yield "EXPLORER: needs INTROSPECTION=true, since it reads the schema"
    token = reveal(settings.metrics_token)
    if token and len(token) < SHORTEST_METRICS_TOKEN:
        yield f"METRICS_TOKEN: needs {SHORTEST_METRICS_TOKEN} characters or more: openssl rand -base64 24"
    elif token and not _IN_A_HEADER.fullmatch(token):
        yield "METRICS_TOKEN: stands in a header, so it has no spaces and ASCII alone: openssl rand -base64 24"
    elif token and (is_pattern(token) or is_placeholder(token)):
        yield "METRICS_TOKEN: is a pattern or a placeholder that can be guessed: openssl rand -base64 24"
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
    yield from _unsafe_pages(settings)
    yield from problems_of_sign_in(
        {name: getattr(settings, name.lower()) for name in _SIGN_IN},
        desk=settings.desk,
        has_keys=bool(settings.jwt_jwks_url),
    )
    if not all(map(is_header_name, settings.cors_headers)):
        yield "CORS_HEADERS: each is the name of a header, such as X-Shop-Version, and never `*`"
    if not all(map(is_network, settings.trusted_proxies)):
        yield (
            "TRUSTED_PROXIES: each is an address or a network, such as 10.0.0.7 or 10.0.0.0/24, and never everybody "
            "or a large part of the internet"
        )
    if settings.jwt_cookie and not _COOKIE_NAME.fullmatch(settings.jwt_cookie):
        yield "JWT_COOKIE: is the name of a cookie, such as session"
    if settings.jwt_secret or settings.jwt_jwks_url:
        try:
            settings.token_rules()
            if settings.jwt_jwks_url:
                check_jwks_url(settings.jwt_jwks_url)
                yield from _missing_audience(settings)
        except UnsafeTokenRules as error:
            yield _named(error, settings)


def _unsafe_pages(settings: Settings) -> Iterator[str]:
    yield from problems_of(settings.cors_origins, settings.cors_origin_patterns)
    if not settings.jwt_cookie:
        return
    for pattern in strangers_in(settings.cors_origins, settings.cors_origin_patterns):
        yield (
            f"CORS_ORIGIN_PATTERNS: {pattern!r} may let in strangers' pages with your customers' JWT_COOKIE. Name the "
            "host of your own that it is below in CORS_ORIGINS too, such as https://shop.example"
        )


def _named(error: UnsafeTokenRules, settings: Settings) -> str:
    name = "JWT_SECRET" if settings.jwt_secret else "JWT_JWKS_URL"
    return str(error) if str(error).startswith("JWT_") else f"{name}: {error}"


def _missing_audience(settings: Settings) -> Iterator[str]:
    if not settings.jwt_audience:
        yield (
            "JWT_AUDIENCE: is not set, and JWT_JWKS_URL needs it: the issuer signs the tokens of its other "
            "applications with the same keys"
        )


def _unsafe_database(settings: Settings) -> Iterator[str]:
    if settings.database_url is None or settings.database_without_tls:
        return
    try:
        is_safe = is_local_or_encrypted(reveal(settings.database_url))
    except ProgrammingError:
        yield "DATABASE_URL: is no address that PostgreSQL's library can read"
        return
    except UnknownDestination as error:
        yield (
            f"DATABASE_URL: where it leads stands in another file, which {error} names. Write the host into it, or add "
            "?sslmode=verify-full (or require)"
        )
        return
    if not is_safe:
        yield (
            "DATABASE_URL: leads to another machine without TLS. Add ?sslmode=verify-full (or require), or set "
            "DATABASE_WITHOUT_TLS=true where the network between them is your own"
        )


def remarks(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is allowed and most likely not meant; one sentence each, for the operator."""
    found = [
        f"{name}: is no setting; {meant} is. Is it misspelt?"
        for name, meant in near_misses(setting_names(), secret_names(), environment).items()
    ]
    if not settings.webhook_secrets:
        found.append(
            "STRIPE_WEBHOOK_SECRET: is not set. Stripe's webhooks are refused, and orders become PAID a minute late"
        )
    if settings.desk and settings.trusted_documents_only:
        found.append("DESK: needs its operations in TRUSTED_DOCUMENTS, since nothing else is let through")
    if (
        settings.desk_oidc_issuer
        and settings.jwt_issuer
        and settings.desk_oidc_issuer not in settings.jwt_issuer
    ):
        found.append(
            "JWT_ISSUER: does not name DESK_OIDC_ISSUER; that is right only if its tokens name another `iss`"
        )
    return found


def setting_names() -> tuple[str, ...]:
    return tuple(name.upper() for name in Settings.model_fields)


def secret_names() -> tuple[str, ...]:
    """The settings that may stand in a file of their own."""
    return tuple(name.upper() for name, field in Settings.model_fields.items() if field.annotation == _SECRET)


_SECRET = SecretStr | None


def _secrets(setting: SecretStr | None) -> tuple[str, ...]:
    return tuple(secret.strip() for secret in reveal(setting).split(",") if secret.strip())


def reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def database_of(settings: Settings) -> str:
    """DATABASE_URL, for a command that needs nothing else; `UnsafeSettings` for one that is not set or not safe."""
    url = needed(settings.database_url, "DATABASE_URL")
    if problems := [*_unsafe_database(settings)]:
        raise UnsafeSettings("\n".join(problems))
    return url


def needed(setting: SecretStr | None, name: str) -> str:
    """The setting's text, for a command that can't do without it."""
    if setting is None:
        raise UnsafeSettings(f"{name}: is not set")
    return setting.get_secret_value()
