"""A cache whose keys come from strangers holds so many bytes and no more, whatever they send."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.bounded_cache import BoundedCache

MOST = 100


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60))))
def test_it_never_weighs_more_than_it_may(puts: list[tuple[int, int]]) -> None:
    cache, weights = BoundedCache[int, int](MOST), dict[int, int]()
    for key, weight in puts:
        cache.put(key, weight, weight)
        weights[key] = weight
        assert cache.bytes == sum(weights[key] for key in cache) <= MOST
        assert all(cache.get(key) == weights[key] for key in cache)


def test_what_was_used_last_is_kept_longest() -> None:
    cache = BoundedCache[str, int](MOST)
    for name in "abcde":
        cache.put(name, 1, 20)
    assert cache.get("a")
    cache.put("f", 1, 20)
    assert list(cache) == ["c", "d", "e", "a", "f"]


def test_what_would_push_out_the_rest_is_not_remembered() -> None:
    cache = BoundedCache[str, int](MOST)
    cache.put("a", 1, 20)
    cache.put("b", 1, 26)
    cache.put("a", 2, 26)
    assert (list(cache), cache.bytes, cache.get("a")) == ([], 0, None)
