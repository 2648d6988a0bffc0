"""Settings as files hold them, and safe ones to spoil in one place."""

import base64
import random
from pathlib import Path

import pytest

from runtime.environment import load_env_file
from settings import Settings, UnsafeSettings

JWT_SECRET = base64.b64encode(random.Random(7).randbytes(48)).decode()  # noqa: S311  signs nothing
SAFE = {
    "DATABASE_URL": "postgresql://shop:hunter2@db.internal:5432/shop?sslmode=verify-full",
    "STRIPE_SECRET_KEY": "sk_test_0123456789abcdef",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_0123456789abcdef",
    "JWT_SECRET": JWT_SECRET,
}
LIVE = {"STRIPE_SECRET_KEY": "rk_live_0123456789abcdef", "STRIPE_PUBLISHABLE_KEY": "pk_live_0123456789abcdef"}
JWKS = {
    "JWT_SECRET": "",
    "JWT_JWKS_URL": "https://issuer.test/.well-known/jwks.json",
    "JWT_AUDIENCE": "shop",
}


def settings_of(folder: Path, **values: str) -> Settings:
    """Read from a file, as `--env-file` does, and not from this process's own environment."""
    file = folder / "settings"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    environment: dict[str, str] = {}
    load_env_file(file, environment)
    return Settings.read(environment)


def refusal_of(folder: Path, **values: str) -> str:
    with pytest.raises(UnsafeSettings) as refused:
        settings_of(folder, **{**SAFE, **values}).safe()
    for value in values.values():
        assert len(value) < 12 or value not in str(refused.value)
    return str(refused.value)
