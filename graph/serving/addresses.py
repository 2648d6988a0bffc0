"""What counts as one address where limits are counted by address."""

from ipaddress import IPv4Address, ip_address, ip_network

IPV6_NETWORK = 64  # bits, which whoever has one address has


def network_of(address: str) -> str:
    """What is counted as one address: a customer has one of IPv4, and all of a network of IPv6 (RFC 6177)."""
    try:
        found = ip_address(address)
    except ValueError:  # such as a Unix socket's
        return address
    if isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), IPV6_NETWORK), strict=False))
