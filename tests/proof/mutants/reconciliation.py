"""Deliberate bugs in the inbox of Stripe's events and the sweep."""

from tests.proof.mutants.files import ISOLATION, OWNERSHIP, REFUSALS, SHARED, SWEEP, WEBHOOKS
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "a webhook's payload trusted",
        (
            Change(
                "services/reconciliation/inbox.py",
                "        await self._settlement.apply(intent, cause=cause)\n",
                "        from dataclasses import replace\n\n"
                "        from services.payments.intents import IntentStatus\n\n"
                "        intent = replace(intent, status=IntentStatus.SUCCEEDED, amount_received=intent.amount)\n"
                "        await self._settlement.apply(intent, cause=cause)\n",
            ),
        ),
        (f"{WEBHOOKS}::test_a_forged_payload_moves_nothing",),
    ),
    Mutant(
        "a sweep that skips what was given up",
        (
            Change(
                "services/reconciliation/recovery.py",
                "if not states & {*GIVEN_UP}:",
                "if not states & set[PaymentState]():",
            ),
        ),
        (f"{SWEEP}::test_what_a_burnt_key_may_have_left_is_canceled",),
    ),
    Mutant(
        "an event finished though Stripe could not be asked",
        (
            Change(
                "services/reconciliation/inbox.py",
                "                return await self._postpone(events, failure)\n",
                "                pass\n",
            ),
        ),
        (f"{WEBHOOKS}::test_an_event_that_could_not_be_finished_is_finished_later",),
    ),
    Mutant(
        "a redelivery of an unfinished event skipped",
        (
            Change(
                "models/stripe_events/tables.py",
                'set_={"due_at": func.now(), "attempts"',
                'set_={"due_at": StripeEvent.due_at, "attempts"',
            ),
        ),
        (f"{WEBHOOKS}::test_an_event_that_could_not_be_finished_is_finished_later",),
    ),
    Mutant(
        "an intent adopted by a UUID in its metadata alone",
        (
            Change(
                "services/reconciliation/ownership.py",
                "return marks.installation_id in rows[0].own_ids",
                "return marks.payment_id is not None",
            ),
        ),
        (
            f"{SHARED}::test_for_an_hour_nothing_of_anothers_is_asked_about_or_written",
            f"{OWNERSHIP}::test_the_metadata_of_the_payload_tells_whose_it_is",
        ),
    ),
    Mutant(
        "one item that ends its step of the sweep",
        (
            Change(
                "services/reconciliation/sweep_step.py",
                "            return await self._remember(name, error)\n        else:",
                "            self.stop(str(error))\n        else:",
            ),
        ),
        (f"{ISOLATION}::test_a_sick_intent_holds_up_no_other_and_heals_later",),
    ),
    Mutant(
        "Stripe's words kept as they are, which the database may refuse",
        (
            Change(
                "services/reconciliation/sweep_step.py",
                '{sentence_of(error)}"[:300]',
                '{error}"[:300]',
            ),
        ),
        (f"{ISOLATION}::test_words_that_the_database_refuses_hold_up_no_other_item",),
    ),
    Mutant(
        "a failure that can't be written down and ends its step",
        (
            Change(
                "services/reconciliation/sweep_step.py",
                "            return await self._remember(name, error)\n        else:",
                "            await self.record_failure(name, error)\n        else:",
            ),
        ),
        (f"{ISOLATION}::test_a_failure_that_can_not_be_written_down_holds_up_no_other_item",),
    ),
    Mutant(
        "a cursor that is lost when a sweep is interrupted",
        (
            Change(
                "services/reconciliation/list_steps.py",
                'await self._database.rows(MOVE_WINDOW, {**this, "after_id": after})',
                'await self._database.rows(MOVE_WINDOW, {**this, "after_id": None})',
            ),
        ),
        (f"{ISOLATION}::test_a_list_goes_on_where_its_budget_ended_and_what_is_young_is_read_first",),
    ),
    Mutant(
        "an event of a stranger's stored",
        (
            Change(
                "services/reconciliation/inbox.py",
                "if event.object_id is None or not await self._may_be_ours(event):",
                "if event.object_id is None:",
            ),
        ),
        (f"{OWNERSHIP}::test_events_of_strangers_are_answered_and_cost_neither_a_row_nor_a_call",),
    ),
    Mutant(
        "an event that is tried without end",
        (
            Change(
                "models/stripe_events/tables.py",
                "col(StripeEvent.due_at) <= func.now(), col(StripeEvent.attempts) < MOST_ATTEMPTS)\n    .order_by",
                "col(StripeEvent.due_at) <= func.now())\n    .order_by",
            ),
        ),
        (f"{ISOLATION}::test_an_event_rests_after_its_attempts_and_a_person_is_told",),
    ),
    Mutant(
        "money that somebody else just recovered is money without an order",
        (
            Change(
                "services/reconciliation/recovery.py",
                '                break\n        return await self._settlement.apply(intent, cause="reconcile")\n',
                "                return True\n        return False\n",
            ),
        ),
        (f"{SWEEP}::test_recovered_twice_at_once_it_is_no_money_without_an_order",),
    ),
    Mutant(
        "test events taken by a live server",
        (Change("services/reconciliation/inbox.py", "if event.livemode != self._livemode:", "if False:"),),
        (f"{REFUSALS}::test_events_of_live_mode_and_of_other_kinds_are_answered_and_not_stored",),
    ),
)
