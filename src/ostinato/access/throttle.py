"""Throttling of failed sign-in attempts, by account and by network; it delays attempts and never locks an account."""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta

from ostinato.access import credential_store
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Throttled
from ostinato.storage.rows.rows import Rows, Tx

WINDOW = timedelta(minutes=15)
FREE_FAILURES = 5
FREE_FAILURES_OF_NETWORK = 50
WAIT_MAX_S = 60
WHOLE_NETWORK = ""
"""The account under which all failures of a network are counted."""


class Throttle:
    """Counts in rows, so that all processes count together. An attempt that has to wait is not counted: waits do not grow by waiting."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    def charge(self, account: str, network: str) -> None:
        """Count a failure before it may happen, so that many at once are as slow as one after the other.

        Raises:
            Throttled: beyond what is free, and too soon after the one before.
        """
        now = self._clock.now()

        def change(tx: Tx) -> None:
            for who, free in {account: FREE_FAILURES, WHOLE_NETWORK: FREE_FAILURES_OF_NETWORK}.items():
                failures = _failures(tx, who, network, free, now)
                credential_store.set_failed_attempts(tx, who, network, failures + 1, now, now - WINDOW)

        self._rows.write(change)

    def refund(self, account: str, network: str) -> None:
        """It did not fail: the account begins anew, and the network has one failure less."""

        def change(tx: Tx) -> None:
            now = self._clock.now()
            if account:
                credential_store.set_failed_attempts(tx, account, network, 0, now, now - WINDOW)
            failures, at = credential_store.failed_attempts(tx, WHOLE_NETWORK, network) or (1, now)
            credential_store.set_failed_attempts(tx, WHOLE_NETWORK, network, failures - 1, at, now - WINDOW)

        self._rows.write(change)


def network_of(address: str) -> str:
    """The network that is counted as one: an IPv4 address, the first 64 bits of an IPv6 address.

    >>> network_of("192.0.2.7"), network_of("2001:db8:1:2:3::4")
    ('192.0.2.7', '2001:db8:1:2::')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "elsewhere"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False).network_address)


def _failures(tx: Tx, account: str, network: str, free: int, now: datetime) -> int:
    """The number of recent failures; raises if the wait after the last one is not over."""
    failures, last = credential_store.failed_attempts(tx, account, network) or (0, now - WINDOW)
    if now - last >= WINDOW:
        return 0
    wait_s = min(2 ** min(failures - free, 10), WAIT_MAX_S) if failures >= free else 0
    remaining_s = wait_s - (now - last).total_seconds()
    if remaining_s > 0:
        raise Throttled("too many attempts failed", hint=f"try again in {math.ceil(remaining_s)} s", retry_after_s=remaining_s)
    return failures
