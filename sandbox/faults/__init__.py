"""Injected faults: of calls, sick objects, odd answers, and keys that lack a permission."""

from sandbox.faults.disguises import Disguises
from sandbox.faults.fault import Fault, fault_from, parse_fault
from sandbox.faults.permissions import Permissions
from sandbox.faults.rules import FaultBook, Rule

__all__ = ["Disguises", "Fault", "FaultBook", "Permissions", "Rule", "fault_from", "parse_fault"]
