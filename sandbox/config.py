"""What a sandbox is started with."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.http.versions import Style

LIVE_PREFIXES = ("sk_live_", "rk_live_", "pk_live_")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """Keys, the webhook endpoint and where state is kept. A live key in any place is a ValueError.

    `secret_keys` empty accepts any `sk_test_…` or `rk_test_…`. `retry_delays` are the seconds between the attempts
    of one webhook delivery; `webhook_style` is what is posted, snapshot or thin events. `hosts` are names that it
    answers to beside 127.0.0.1, localhost and [::1], each with its port or `name:port`. `state_file` None keeps
    everything in memory. `seed` decides probable faults.
    """

    secret_keys: tuple[str, ...] = ("sk_test_sandbox000000000000",)
    publishable_key: str = "pk_test_sandbox000000000000"
    webhook_url: str | None = None
    webhook_style: Style = "snapshot"
    webhook_secret: str = "whsec_sandbox00000000000000000000000000"  # noqa: S105 - opens nothing but this stand-in
    hosts: tuple[str, ...] = ()
    state_file: Path | None = None
    retry_delays: tuple[float, ...] = (0.5, 2.0, 5.0, 15.0)
    seed: int = 0

    def __post_init__(self) -> None:
        if any(key.startswith(LIVE_PREFIXES) for key in (*self.secret_keys, self.publishable_key)):
            raise ValueError(
                "the sandbox takes test keys only (sk_test_…, rk_test_…, pk_test_…); a live key was given"
            )
