"""The shop that `make run` opens: a database, a stand-in for Stripe, a catalogue and tokens, all on this machine."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from sandbox.app import build_sandbox
from sandbox.config import SandboxConfig
from sandbox.serve import served
from services.auth import issue_token
from services.database import Database, build_database
from services.seeding import seed_catalogue, seed_orders
