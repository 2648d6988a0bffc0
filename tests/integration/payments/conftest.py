"""The whole of the services, as tests of payments use them."""

import pytest

from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    """Its refunds and disputes are asked about in this process, without HTTP."""
    return WholeShop(database, stripe.sandbox, SandboxGateway(stripe.sandbox))


@pytest.fixture
def slow_shop(database: Database) -> WholeShop:
    """Whose Stripe finishes some calls later."""
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))
