"""The statements that fill a shop for demonstrations and load tests."""

from sqlalchemy.dialects.postgresql import insert

from models.orders.tables import Order, OrderItem
from models.products.tables import Product

ADD_PRODUCTS = insert(Product).on_conflict_do_nothing(index_elements=["id"])
ADD_ORDERS = insert(Order)
ADD_ORDER_ITEMS = insert(OrderItem)
