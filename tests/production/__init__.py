"""Trials of docs/operations on real systems, run by hand: `make try-debian`, `make try-image`, `make try-alerts`."""
