"""The issuer's keys, read from a real server on this machine; only the clock is made up."""

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.identity.public_keys import JwksKeys
from services.identity.tokens import KeysUnavailable
from tests.issuer import Issuer, running_issuer
from tests.tokens import Clock, jwk

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEXT_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest_asyncio.fixture(loop_scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer(jwk(RSA, kid="1")) as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> JwksKeys:
    return JwksKeys(issuer.url, now=clock)


def compressed(body: bytes, bits: int = 31) -> bytes:
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(body) + packer.flush()


async def finds(keys: JwksKeys, kid: str | None = "1", algorithm: str = "RS256") -> int:
    return len(await keys.find(kid, algorithm))


async def test_a_key_is_found_by_its_id_and_algorithm(keys: JwksKeys, issuer: Issuer) -> None:
    issuer.publish(jwk(RSA, kid="1"), jwk(EC, kid="2"), {"kty": "oct", "kid": "3", "k": "c2VjcmV0"})
    assert await finds(keys, "1", "RS256") == 1
    assert await finds(keys, "2", "ES256") == 1
    assert await finds(keys, "1", "ES256") == 0
    assert await finds(keys, "3", "HS256") == 0
    assert await finds(keys, None, "RS256") == 1
    assert keys.failure is None


async def test_keys_are_read_once_in_ten_minutes(keys: JwksKeys, issuer: Issuer, clock: Clock) -> None:
    await finds(keys)
    clock.now += 599
    await finds(keys)
    assert issuer.requests == 1
    clock.now += 1
    await finds(keys)
    assert issuer.requests == 2


@pytest.mark.parametrize(
    ("cache_control", "fresh_seconds"),
    [
        ("public, max-age=300, must-revalidate", 300),
        ('MAX-AGE="900"', 900),
        ("max-age=5", MINUTE),
        ("max-age=99999999", HOUR),
        ("max-age=99999999999999999999", HOUR),
        ("s-maxage=30", 600),
        ("max-age=soon", 600),
        ("no-cache, max-age=300", MINUTE),
        ("No-Store", MINUTE),
        ("", 600),
    ],
)
async def test_the_issuer_says_within_bounds_how_long_keys_are_fresh(
    keys: JwksKeys, issuer: Issuer, clock: Clock, cache_control: str, fresh_seconds: int
) -> None:
    issuer.headers["Cache-Control"] = cache_control
    await finds(keys)
    clock.now += fresh_seconds - 1
    await finds(keys)
    assert issuer.requests == 1
    clock.now += 1
    await finds(keys)
    assert issuer.requests == 2


async def test_a_new_key_is_found_without_a_restart(keys: JwksKeys, issuer: Issuer, clock: Clock) -> None:
    await finds(keys)
    issuer.publish(jwk(NEXT_RSA, kid="2"))
    clock.now += MINUTE
    assert await finds(keys, "2") == 1
    assert await finds(keys, "1") == 0


async def test_a_withdrawn_key_is_forgotten_when_keys_are_read_again(
    keys: JwksKeys, issuer: Issuer, clock: Clock
) -> None:
    await finds(keys)
    issuer.publish()
    clock.now += 600
    assert await finds(keys) == 0


async def test_a_storm_of_unknown_keys_asks_once_a_minute(
    keys: JwksKeys, issuer: Issuer, clock: Clock
) -> None:
    for minute in range(3):
        found = await asyncio.gather(*(finds(keys, f"{minute}-{number}") for number in range(200)))
        assert set(found) == {0}
        assert issuer.requests == minute + 1
        clock.now += MINUTE


async def test_callers_at_once_share_one_request(keys: JwksKeys, issuer: Issuer) -> None:
    assert await asyncio.gather(*(finds(keys) for _ in range(100))) == [1] * 100
    assert issuer.requests == 1


async def test_a_caller_who_hangs_up_does_not_stop_the_others(keys: JwksKeys, issuer: Issuer) -> None:
    issuer.hold = asyncio.Event()
    first, second = asyncio.create_task(finds(keys)), asyncio.create_task(finds(keys))
    await issuer.asked.wait()
    first.cancel()
    issuer.hold.set()
    assert await second == 1
    assert first.cancelled()
    assert issuer.requests == 1


async def test_old_keys_serve_for_a_day_while_the_issuer_is_down(
    keys: JwksKeys, issuer: Issuer, clock: Clock
) -> None:
    await finds(keys)
    issuer.status = 503
    clock.now += DAY - 1
    assert await finds(keys) == 1
    assert keys.failure == "status-503"
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await keys.find("1", "RS256")


async def test_an_issuer_that_is_down_is_asked_once_a_minute(
    keys: JwksKeys, issuer: Issuer, clock: Clock
) -> None:
    await finds(keys)
    issuer.status = 500
    clock.now += 600
    for _ in range(50):
        assert await finds(keys) == 1
        assert await finds(keys, "unknown") == 0
    assert issuer.requests == 2


async def test_nobody_waits_for_an_issuer_known_to_be_down(
    keys: JwksKeys, issuer: Issuer, clock: Clock
) -> None:
    await finds(keys)
    issuer.status = 500
    clock.now += 600
    await finds(keys)
    clock.now += MINUTE
    issuer.hold = asyncio.Event()
    assert await finds(keys) == 1
    issuer.status = 200
    issuer.hold.set()
    assert await finds(keys, "unknown") == 0  # waits for the reading under way
    assert keys.failure is None
    assert issuer.requests == 3


async def test_without_any_keys_the_issuer_is_asked_again_after_seconds(
    keys: JwksKeys, issuer: Issuer, clock: Clock
) -> None:
    issuer.status = 500
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            await keys.find("1", "RS256")
    assert issuer.requests == 1
    issuer.status = 200
    clock.now += 5
    assert await finds(keys) == 1


async def test_an_issuer_that_refuses_connections_is_down() -> None:
    keys = JwksKeys("http://127.0.0.1:1/jwks")
    with pytest.raises(KeysUnavailable):
        await keys.find("1", "RS256")
    assert keys.failure == "ClientConnectorError"


async def test_an_issuer_that_hangs_is_given_up(issuer: Issuer) -> None:
    issuer.hold = asyncio.Event()
    keys = JwksKeys(issuer.url, timeout=0.05)
    with pytest.raises(KeysUnavailable):
        await keys.find("1", "RS256")
    assert keys.failure is not None
    assert "Timeout" in keys.failure


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (301, b"", "status-301"),
        (302, b"", "status-302"),
        (307, b"", "status-307"),
        (404, b"", "status-404"),
        (200, b"", "not-json"),
        (200, b"<html>", "not-json"),
        (200, b"\xff\xfe\xfd", "not-json"),
        (200, b"[" * 200_000, "not-json"),
        (200, b'{"keys": [' + b"9" * 5000 + b"]}", "not-json"),
        (200, b"[]", "not-a-key-set"),
        (200, b"{}", "not-a-key-set"),
        (200, b'{"keys": {}}', "not-a-key-set"),
        (200, json.dumps({"keys": [{}] * 101}).encode(), "too-many-keys"),
        (200, b'{"keys": [], "pad": "' + b"x" * 256 * 1024 + b'"}', "too-large"),
        (200, b" " * 60_000_000, "too-large"),
    ],
)
async def test_an_answer_that_is_no_key_set_changes_nothing(
    keys: JwksKeys, issuer: Issuer, clock: Clock, status: int, body: bytes, failure: str
) -> None:
    await finds(keys)
    issuer.status, issuer.body = status, body
    issuer.headers["Location"] = issuer.url + "?elsewhere"
    clock.now += 600
    assert await finds(keys) == 1
    assert keys.failure == failure
    assert issuer.requests == 2


async def test_a_key_set_of_100_keys_is_taken(keys: JwksKeys, issuer: Issuer) -> None:
    issuer.publish(*[{"kty": "oct"}] * 99, jwk(RSA, kid="1"))
    assert await finds(keys) == 1


@pytest.mark.parametrize(
    ("encoding", "bits"), [("gzip", 31), ("GZIP", 31), ("x-gzip", 31), ("deflate", 15), ("identity", None)]
)
async def test_a_key_set_is_taken_that_a_proxy_compressed(
    keys: JwksKeys, issuer: Issuer, encoding: str, bits: int | None
) -> None:
    issuer.headers["Content-Encoding"] = encoding
    issuer.body = compressed(issuer.body, bits) if bits else issuer.body
    assert await finds(keys) == 1


async def test_two_keys_of_one_kid_are_both_found(keys: JwksKeys, issuer: Issuer) -> None:
    issuer.publish(jwk(RSA, kid="1"), jwk(NEXT_RSA, kid="1"))
    assert await finds(keys) == 2


@pytest.mark.parametrize(
    ("encoding", "body", "failure"),
    [
        ("gzip", b"\x1f\x8b" + b"\0" * 100, "not-compressed-as-stated"),
        ("gzip", b"{}", "not-compressed-as-stated"),
        ("br", b"{}", "unknown-encoding"),
        ("gzip, gzip", b"{}", "unknown-encoding"),
        ("gzip", compressed(b'{"keys": []}')[:-9], "cut-off"),
        ("gzip", compressed(b" " * 100_000_000), "too-large"),
        ("gzip", compressed(compressed(b'{"keys": []}')), "not-json"),
    ],
    ids=["broken", "plain", "unknown", "two", "cut", "bomb", "inner"],
)
async def test_a_compressed_answer_never_becomes_large(
    keys: JwksKeys, issuer: Issuer, encoding: str, body: bytes, failure: str
) -> None:
    issuer.headers["Content-Encoding"] = encoding
    issuer.body = body
    tracemalloc.start()
    with pytest.raises(KeysUnavailable):
        await keys.find("1", "RS256")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert keys.failure == failure
    assert peak < 8 * 1024 * 1024
