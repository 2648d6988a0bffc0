"""Builders: what a test does not name is something sensible."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text, update

from models import Order, OrderItem, OrderStatus, Payment, PaymentTransition, Product
from models.payments.installation import INSTALLATION
from runtime.database.database import Database, Row


@dataclass(frozen=True)
class Shop:
    """Puts things into the database as an importer or an operator would, and looks at what is there."""

    database: Database

    async def product(
        self, *, name: str = "Mug", unit_amount: int = 1_999, currency: str = "USD", active: bool = True
    ) -> UUID:
        row = {
            "id": uuid4(),
            "name": name,
            "unit_amount": unit_amount,
            "currency": currency,
            "active": active,
        }
        await self.database.rows(insert(Product).values(**row))
        return UUID(str(row["id"]))

    async def order(
        self,
        *,
        user: str = "ada",
        items: Sequence[tuple[int, int]] = ((1_999, 2), (1_250, 1)),
        currency: str = "USD",
        status: OrderStatus = OrderStatus.PENDING,
        order_id: UUID | None = None,
    ) -> UUID:
        """An order of (unit amount, quantity) items; 52.48 USD unless told otherwise."""
        order_id = order_id or uuid4()
        await self.database.rows(
            insert(Order).values(id=order_id, user_id=user, currency=currency, status=status)
        )
        product = await self.product(currency=currency)
        rows = [
            {
                "order_id": order_id,
                "position": position,
                "product_id": product,
                "product_name": "Mug",
                "unit_amount": unit_amount,
                "quantity": quantity,
            }
            for position, (unit_amount, quantity) in enumerate(items)
        ]
        if rows:
            await self.database.rows(insert(OrderItem), rows)
        return order_id

    async def installation_id(self) -> str:
        row = await self.database.row(INSTALLATION)
        assert row is not None
        return str(row.id)

    async def set_price(self, order_id: UUID, unit_amount: int) -> None:
        """Change the order's first item; its version grows by itself."""
        await self.database.rows(
            update(OrderItem)
            .where(OrderItem.order_id == order_id, OrderItem.position == 0)  # type: ignore[arg-type]
            .values(unit_amount=unit_amount)
        )

    async def set_order(self, order_id: UUID, **values: Any) -> None:
        await self.database.rows(update(Order).where(Order.id == order_id).values(**values))  # type: ignore[arg-type]

    async def set_metadata(self, order_id: UUID, metadata: object) -> None:
        statement = text("UPDATE orders SET shop_metadata = CAST(:metadata AS jsonb) WHERE id = :order_id")
        await self.database.rows(statement, {"order_id": order_id, "metadata": json.dumps(metadata)})

    async def set_payment(self, payment_id: UUID, **values: Any) -> None:
        await self.database.rows(
            update(Payment).where(Payment.id == payment_id).values(**values)  # type: ignore[arg-type]
        )

    async def status(self, order_id: UUID) -> OrderStatus:
        row = await self.database.row(select(Order.status).where(Order.id == order_id))  # type: ignore[call-overload]
        assert row is not None
        return OrderStatus(row.status)

    async def until(self, order_id: UUID, status: OrderStatus) -> None:
        """Wait for what a background task will bring about."""
        async with asyncio.timeout(5):
            while await self.status(order_id) is not status:  # noqa: ASYNC110  a row gives no sign
                await asyncio.sleep(0.01)

    async def forget_payments(self) -> None:
        """What a backup from before the payments has."""
        await self.database.rows(
            text("TRUNCATE payments, payment_transitions, stripe_events, leases CASCADE")
        )

    async def payments(self, order_id: UUID) -> Sequence[Row]:
        """The order's payments, oldest first."""
        return await self.database.rows(
            select(Payment.__table__)  # type: ignore[attr-defined]
            .where(Payment.order_id == order_id)  # type: ignore[arg-type]
            .order_by(Payment.created_at)  # type: ignore[arg-type]
        )

    async def history(self, payment_id: UUID) -> list[str]:
        """The states that a payment went through."""
        rows = await self.database.rows(
            select(PaymentTransition.to_state)  # type: ignore[call-overload]
            .where(PaymentTransition.payment_id == payment_id)
            .order_by(PaymentTransition.id)
        )
        return [row.to_state for row in rows]
