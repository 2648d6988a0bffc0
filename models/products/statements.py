"""The statements that keep the catalogue."""

from sqlalchemy import BigInteger, Boolean, Integer, Text, Uuid, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from models.products.tables import READ, Product, ProductRow
from runtime.database.statements import Query

# From a JSON array of objects: each product is added, or brought up to date when its reference is known already.
# Orders keep the names and prices that they were placed with.
_wanted = (
    func.jsonb_to_recordset(cast(bindparam("products", type_=Text), JSONB))
    .table_valued(
        column("place", Integer),
        column("id", Uuid),
        column("reference", Text),
        column("name", Text),
        column("description", Text),
        column("unit_amount", BigInteger),
        column("currency", Text),
        column("active", Boolean),
        name="wanted",
    )
    .render_derived(with_types=True)
)
_saved = insert(Product).from_select(
    ["id", "reference", "name", "description", "unit_amount", "currency", "active"],
    select(
        _wanted.c.id,
        _wanted.c.reference,
        _wanted.c.name,
        _wanted.c.description,
        _wanted.c.unit_amount,
        _wanted.c.currency,
        _wanted.c.active,
    ).order_by(_wanted.c.reference),  # one order for all who save at once, so that none waits for the other
)
SAVE_PRODUCTS = Query(
    ProductRow,
    _saved.on_conflict_do_update(
        index_elements=["reference"],
        set_={
            name: _saved.excluded[name]
            for name in ("name", "description", "unit_amount", "currency", "active")
        },
    ).returning(*READ),
)
