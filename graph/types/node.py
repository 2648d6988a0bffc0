"""What Relay calls a node: whatever has an id by which it is found again."""

import strawberry


@strawberry.interface(description="Whatever `node` finds again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Its id, which no other node has.")
