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

from runtime.addresses import is_network, is_postgresql_url, is_private
from runtime.database.address import UnknownDestination, is_local_or_encrypted
from runtime.environment import UnreadableEnvironment, near_misses, values_of
from runtime.http_edge import SERVER_BOUNDS
from runtime.origins import AllowedOrigins, is_header_name, problems_of
from runtime.tracing import TracingUnavailable, check_tracing
from services.identity.public_keys import JwksKeys, check_jwks_url
from services.identity.rate_limits import RateLimits
from services.identity.token_rules import is_pattern, is_placeholder
from services.identity.tokens import TokenRules, TokenVerifier, UnsafeTokenRules, issue_token
from services.operations.manifests import UnreadableManifest, read_manifest

DEFAULT_API_BASE = "https://api.stripe.com"
STRIPES_LIMIT = 25.0  # calls a second to each endpoint, unless Stripe has raised it for an account
SHORTEST_METRICS_TOKEN = 16
LONGEST_LIFETIME = 10 * 366 * 86_400  # seconds; more is a slip of the keyboard
_SECRET_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{8,}")
_PUBLISHABLE_KEY = re.compile(r"pk_(test|live)_[A-Za-z0-9_]{8,}")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}")
# https://docs.stripe.com/get-started/account/statement-descriptors: Latin letters, none of <>\'"*, one letter at least;
# and 22 characters with the account's prefix, which has two at least, and `* ` between them.
_STATEMENT_SUFFIX = re.compile(r"(?=.*[A-Za-z])[ -~]{1,18}")
_NOT_IN_STATEMENTS = frozenset("<>\\'\"*")
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 6265, 4.1.1


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


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
    stripe_calls_per_second: float | None = Field(default=None, gt=0)
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
    trusted_documents: Path | None = None
    trusted_documents_only: bool = False
    federation: bool = False

    metrics_token: SecretStr | None = None
    otel_exporter_otlp_endpoint: str | None = None

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    log_format: Annotated[Literal["json", "console"], BeforeValidator(_lower)] = "json"

    data_dir: Path = Path(__file__).parent / ".data"

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
        key = self.stripe_secret_key.get_secret_value() if self.stripe_secret_key else ""
        return key.startswith(("sk_live_", "rk_live_"))

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
            "forwarded_allow_ips": [*self.trusted_proxies],
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

    def token_maker(self, lifetime: timedelta = timedelta(days=7)) -> Callable[[str, str | None], str]:
        """Makes bearer tokens that a server with these settings takes, for a user id and a role."""
        secret = needed(self.jwt_secret, "JWT_SECRET").partition(",")[0].strip()
        if lifetime.total_seconds() > self.jwt_max_lifetime:
            raise UnsafeSettings(
                f"JWT_MAX_LIFETIME: no token is taken for more than {self.jwt_max_lifetime} seconds"
            )
        audience, issuer = next(iter(self.jwt_audience), None), next(iter(self.jwt_issuer), None)

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
    if secret and not _SECRET_KEY.fullmatch(secret):
        yield "STRIPE_SECRET_KEY: is no whole secret or restricted key of Stripe (sk_test_…, rk_live_…)"
    if publishable and not _PUBLISHABLE_KEY.fullmatch(publishable):
        yield "STRIPE_PUBLISHABLE_KEY: is no whole publishable key of Stripe (pk_test_…, pk_live_…)"
    elif secret and publishable and settings.is_live != publishable.startswith("pk_live_"):
        yield "STRIPE_PUBLISHABLE_KEY: is of the other mode than STRIPE_SECRET_KEY (test and live)"
    if not is_private(base):
        yield "STRIPE_API_BASE: must be https, or http on this machine"
    if settings.is_live and base != DEFAULT_API_BASE:
        yield "STRIPE_API_BASE: a live key goes to api.stripe.com only"
    suffix = settings.stripe_statement_suffix
    if suffix and (not _STATEMENT_SUFFIX.fullmatch(suffix) or _NOT_IN_STATEMENTS & set(suffix)):
        yield (
            "STRIPE_STATEMENT_SUFFIX: Stripe takes 1 to 18 Latin characters, of them one letter at least, and none of "
            "< > \\ ' \" *"
        )
    if not all(map(_WEBHOOK_SECRET.fullmatch, settings.webhook_secrets)):
        yield "STRIPE_WEBHOOK_SECRET: each secret is whsec_ and what follows it in Stripe's dashboard"


def _unsafe_operations(settings: Settings) -> Iterator[str]:
    if settings.explorer and not settings.introspection:
        yield "EXPLORER: needs INTROSPECTION=true, since it reads the schema"
    token = reveal(settings.metrics_token)
    if token and len(token) < SHORTEST_METRICS_TOKEN:
        yield f"METRICS_TOKEN: needs {SHORTEST_METRICS_TOKEN} characters or more: openssl rand -base64 24"
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
    yield from problems_of(settings.cors_origins, settings.cors_origin_patterns)
    if not all(map(is_header_name, settings.cors_headers)):
        yield "CORS_HEADERS: each is the name of a header, such as X-Shop-Version, and never `*`"
    if not all(map(is_network, settings.trusted_proxies)):
        yield "TRUSTED_PROXIES: each is an address or a network, such as 10.0.0.7 or 10.0.0.0/24, and never everybody"
    if settings.jwt_cookie and not _COOKIE_NAME.fullmatch(settings.jwt_cookie):
        yield "JWT_COOKIE: is the name of a cookie, such as session"
    if settings.jwt_secret or settings.jwt_jwks_url:
        try:
            settings.token_rules()
            if settings.jwt_jwks_url:
                check_jwks_url(settings.jwt_jwks_url)
                yield from _missing_audience(settings)
        except UnsafeTokenRules as error:
            name = "JWT_SECRET" if settings.jwt_secret else "JWT_JWKS_URL"
            yield str(error) if str(error).startswith("JWT_") else f"{name}: {error}"


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
        for name, meant in near_misses(setting_names(), environment).items()
    ]
    if not settings.webhook_secrets:
        found.append(
            "STRIPE_WEBHOOK_SECRET: is not set. Stripe's webhooks are refused, and orders become PAID a minute late"
        )
    if settings.desk and settings.trusted_documents_only:
        found.append("DESK: needs its operations in TRUSTED_DOCUMENTS, since nothing else is let through")
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


def needed(setting: SecretStr | None, name: str) -> str:
    """The setting's text, for a command that can't do without it."""
    if setting is None:
        raise UnsafeSettings(f"{name}: is not set")
    return setting.get_secret_value()
