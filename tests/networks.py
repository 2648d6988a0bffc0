"""What this machine's network has."""

import pytest

from runtime.listening import listening


def has_ipv6() -> bool:
    try:
        with listening("::1", 0):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
