"""Deliberate bugs, a file for each room, each with the tests that must find it."""

from tests.proof.mutants import (
    account,
    identity,
    lists,
    notifications,
    orders,
    owed_money,
    payment_intents,
    reconciliation,
    refunds,
    reviews,
    settlement,
    stripe_api,
    true_money,
    turns,
    what_passes,
    words_of_people,
    worlds,
)
from tests.proof.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *payment_intents.MUTANTS,
    *orders.MUTANTS,
    *settlement.MUTANTS,
    *refunds.MUTANTS,
    *reviews.MUTANTS,
    *owed_money.MUTANTS,
    *reconciliation.MUTANTS,
    *lists.MUTANTS,
    *stripe_api.MUTANTS,
    *account.MUTANTS,
    *notifications.MUTANTS,
    *identity.MUTANTS,
    *worlds.MUTANTS,
    *true_money.MUTANTS,
    *words_of_people.MUTANTS,
    *what_passes.MUTANTS,
    *turns.MUTANTS,
)
