"""Deliberate bugs, each a textual change of one place, and the tests that must fail for it."""

from dataclasses import dataclass

CREATE = "tests/integration/test_create_payment_intent.py"
RELEASE = "tests/integration/test_release_check.py"
FAULTS = "tests/integration/test_create_payment_intent_faults.py"
WEBHOOKS = "tests/integration/test_webhooks.py"
REFUSALS = "tests/integration/test_webhook_refusals.py"
CANCEL = "tests/integration/test_cancel_order.py"
REFUND = "tests/integration/test_refund_order.py"
TRUE_REFUNDS = "tests/integration/test_true_refunds.py"
REVIEW = "tests/integration/test_resolve_review.py"
EXPIRY = "tests/integration/test_order_expiry.py"
SWEEP = "tests/integration/test_reconcile.py"
RACES = "tests/proof/test_interleavings.py"
RATE = "tests/integration/test_stripe_rate.py"
QUEUE = "tests/unit/test_call_queue.py"
CROWD = "tests/unit/test_crowd.py"
SHARED = "tests/proof/test_shared_account.py"
OWNERSHIP = "tests/integration/test_webhook_ownership.py"
ISOLATION = "tests/integration/test_sweep_isolation.py"


@dataclass(frozen=True)
class Change:
    """In `file`, `old` stands exactly once and becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """`tests` are the node ids that must kill it."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "a random idempotency key",
        (
            Change(
                "services/payments/intents.py",
                'f"pi:{self.payment_id}"',
                "f\"pi:{__import__('uuid').uuid4()}\"",
            ),
        ),
        (f"{FAULTS}::test_an_unknown_outcome_keeps_the_payment_and_the_next_call_replays_its_key",),
    ),
    Mutant(
        "a reprice key made of the amount",
        (
            Change(
                "services/payments/payment_intents.py",
                "amt:{payment.id}:{claim.version}",
                "amt:{payment.id}:{claim.total}",
            ),
        ),
        (f"{CREATE}::test_a_new_price_reaches_the_intent_that_was_released",),
    ),
    Mutant(
        "no compare-and-set at the second record",
        (
            Change(
                "models/payments/statements.py",
                ".where(_this_payment, _from_state)\n    .values(\n        state=PaymentState.OPEN.value,",
                ".where(_this_payment)\n    .values(\n        state=PaymentState.OPEN.value,",
            ),
        ),
        (f"{CANCEL}::test_a_cancel_during_the_create_call_keeps_the_secret_back",),
    ),
    Mutant(
        "a secret released without the release check",
        (
            Change(
                "services/payments/payment_intents.py",
                "return intent if opened and opened.releasable and claim.recorded else None",
                "return intent",
            ),
        ),
        (
            f"{RELEASE}::test_a_secret_is_not_released_when_the_order_was_closed_during_the_call",
            f"{RELEASE}::test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call",
        ),
    ),
    Mutant(
        "a release check that takes any version of the items for the one that was added up",
        (
            Change(
                "models/payments/statements.py",
                "            _ordered.c.version == _opened.c.order_version,\n",
                "",
            ),
        ),
        (
            f"{RELEASE}::test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call",
        ),
    ),
    Mutant(
        "a release check that reads the order before it has waited for it",
        (
            Change(
                "models/payments/statements.py",
                "    .with_for_update(read=True, of=Order)\n",
                "",
            ),
        ),
        (f"{RELEASE}::test_a_change_that_is_committed_while_the_release_check_waits_for_it_is_seen",),
    ),
    Mutant(
        "an item that leaves an order without a trace in its version",
        (
            Change(
                "models/migrations/versions/0005_every_change_of_items_counts.py",
                "SELECT order_id FROM before UNION SELECT order_id FROM changed",
                "SELECT order_id FROM changed",
            ),
        ),
        (
            f"{RELEASE}::test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call",
        ),
    ),
    Mutant(
        "a webhook's payload trusted",
        (
            Change(
                "services/reconciliation/inbox.py",
                "            intent = await self._gateway.retrieve_intent(intent_id)\n",
                "            from dataclasses import replace\n\n"
                "            from services.payments.intents import IntentStatus\n\n"
                "            intent = await self._gateway.retrieve_intent(intent_id)\n"
                "            intent = replace(intent, status=IntentStatus.SUCCEEDED, amount_received=intent.amount)\n",
            ),
        ),
        (f"{WEBHOOKS}::test_a_forged_payload_moves_nothing",),
    ),
    Mutant(
        "no look at the amount at settlement",
        (
            Change(
                "services/payments/state_machine.py",
                "exact = (intent.amount_received, intent.currency) == (order.total, order.currency)",
                "exact = True",
            ),
        ),
        (f"{WEBHOOKS}::test_money_of_another_amount_sends_the_order_to_review",),
    ),
    Mutant(
        "a success that a stale answer takes back",
        (
            Change(
                "services/payments/state_machine.py",
                "_succeeded:  (_succeeded,  _succeeded,  _succeeded, _succeeded),",
                "_succeeded: (_open, _processing, _succeeded, _canceled),",
            ),
            Change(
                "models/migrations/versions/0001_the_first_tables.py",
                "RAISE EXCEPTION 'payment % is %, which never changes', OLD.id, OLD.state\n"
                "        USING ERRCODE = 'check_violation', CONSTRAINT = 'payments_terminal_states_absorb';",
                "RETURN NEW;",
            ),
        ),
        (f"{RACES}::test_a_stale_answer_does_not_take_a_success_back",),
    ),
    Mutant(
        "no lease",
        (
            Change(
                "services/payments/payment_intents.py", "        if payment.leased:\n", "        if False:\n"
            ),
            Change(
                "models/payments/statements.py",
                "        func.coalesce(col(Payment.lease_until), func.now()) <= func.now(),\n",
                "",
            ),
        ),
        (f"{CREATE}::test_24_parallel_calls_end_in_one_intent_and_24_equal_answers",),
    ),
    Mutant(
        "an old key replayed for ever",
        (
            Change(
                "services/payments/payment_intents.py", "        if payment.key_expired:", "        if False:"
            ),
        ),
        (f"{FAULTS}::test_a_key_that_stripe_may_have_forgotten_is_given_up",),
    ),
    Mutant(
        "a refund under a new key without a look at Stripe's list",
        (
            Change(
                "services/payments/refunds.py",
                "    return any(refund.refund_id == refund_id for refund in listed)",
                "    return False",
            ),
        ),
        (f"{REFUND}::test_a_refund_of_unknown_outcome_is_recorded_and_made_once",),
    ),
    Mutant(
        "refunds not bounded by what was received",
        (Change("services/payments/refunds.py", "if 1 <= amount <= rest:", "if amount > 0:"),),
        (f"{REFUND}::test_parts_add_up_and_no_more_than_was_received_goes_back",),
    ),
    Mutant(
        "refunds that race without a lock",
        (
            Change(
                "models/refunds/statements.py",
                ".order_by(col(Payment.disposition), col(Payment.created_at))\n    .with_for_update()\n",
                ".order_by(col(Payment.disposition), col(Payment.created_at))\n",
            ),
            Change(
                "models/payments/settlement_statements.py",
                ".where(_this_order).with_for_update()\n",
                ".where(_this_order)\n",
            ),
        ),
        (f"{REFUND}::test_refunds_that_race_for_more_than_was_paid_get_what_there_is",),
    ),
    Mutant(
        "money that nobody is owed kept",
        (
            Change(
                "services/payments/settlement.py",
                "OWED_BACK = (Disposition.DUPLICATE, Disposition.LATE)",
                "OWED_BACK: tuple[Disposition, ...] = ()",
            ),
        ),
        (f"{CANCEL}::test_money_that_arrives_after_the_cancel_is_refunded_once",),
    ),
    Mutant(
        "a sweep that skips what was given up",
        (
            Change(
                "services/reconciliation/recovery.py",
                "GIVEN_UP = (PaymentState.ABANDONED, PaymentState.FAILED)",
                "GIVEN_UP: tuple[PaymentState, ...] = ()",
            ),
        ),
        (f"{SWEEP}::test_what_a_burnt_key_may_have_left_is_canceled",),
    ),
    Mutant(
        "an order canceled and its intent left payable",
        (
            Change(
                "services/payments/order_cancellation.py",
                "        await self._close_intent(live)\n        return True\n",
                "        return True\n",
            ),
        ),
        (f"{CANCEL}::test_the_intent_is_canceled_with_its_order",),
    ),
    Mutant(
        "an event finished though Stripe could not be asked",
        (
            Change(
                "services/reconciliation/inbox.py",
                "            return await self._postpone(events, error)\n        except Exception as error:",
                "            pass\n        except Exception as error:",
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
                "return marks.installation_id == str(own)",
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
                "            await self.record_failure(name, error)\n        else:",
                "            self.stop(str(error))\n        else:",
            ),
        ),
        (f"{ISOLATION}::test_a_sick_intent_holds_up_no_other_and_heals_later",),
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
        "an unchecked id in a path",
        (
            Change(
                "services/stripe_api/gateway.py",
                "    if kind is None:\n        raise not_an_id(object_id)\n",
                "    if kind is None:\n        kind = INTENT\n",
            ),
        ),
        ("tests/unit/test_stripe_objects.py::test_what_is_no_id_never_becomes_a_path",),
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
        "test events taken by a live server",
        (Change("services/reconciliation/inbox.py", "if event.livemode != self._livemode:", "if False:"),),
        (f"{REFUSALS}::test_events_of_live_mode_and_of_other_kinds_are_answered_and_not_stored",),
    ),
    Mutant(
        "an order found without its owner",
        (
            Change(
                "models/payments/statements.py",
                'or_(col(Order.user_id) == bindparam("user_id", type_=Text), bindparam("may_any", type_=Boolean)),',
                'bindparam("may_any", type_=Boolean).is_not(None),',
            ),
        ),
        (f"{CREATE}::test_a_missing_or_malformed_order_looks_like_a_foreign_one",),
    ),
    Mutant(
        "a locked object taken for the rate",
        (
            Change(
                "services/stripe_api/wire.py",
                'return ObjectLocked if code == "lock_timeout" else TooManyRequests',
                "return TooManyRequests",
            ),
        ),
        (f"{RATE}::test_a_locked_object_is_tried_again_and_slows_nobody_down",),
    ),
    Mutant(
        "a turn left behind by a caller who is gone",
        (
            Change(
                "services/stripe_api/call_queue.py",
                "        if was is _Is.HERE:\n",
                "        if was is _Is.HERE and error is None:\n",
            ),
        ),
        (f"{QUEUE}::test_a_caller_who_is_gone_leaves_no_turn_behind",),
    ),
    Mutant(
        "a payment recorded before its turn",
        (
            Change(
                "services/payments/payment_intents.py",
                "await patience.wait_for(turn)\n                claim = await self._claim(asked, may_record=True)\n",
                "claim = await self._claim(asked, may_record=True)\n                await patience.wait_for(turn)\n",
            ),
        ),
        (
            f"{RATE}::test_a_payment_whose_call_was_never_sent_was_never_recorded",
            f"{RATE}::test_a_refusal_costs_no_statement",
        ),
    ),
    Mutant(
        "webhooks that starve behind customers",
        (Change("services/stripe_api/call_queue.py", "Rank.WEBHOOK: 1 / 2,", "Rank.WEBHOOK: 0.0,"),),
        (f"{QUEUE}::test_webhooks_have_every_second_turn_while_customers_wait_and_all_when_they_don_t",),
    ),
    Mutant(
        "a look that goes before customers",
        (
            Change(
                "services/payments/refresh_from_stripe.py",
                "asking_as(Rank.READER)",
                "asking_as(Rank.CUSTOMER)",
            ),
        ),
        (f"{RATE}::test_a_look_for_a_reader_waits_behind_all_others_and_what_is_known_is_shown_at_once",),
    ),
    Mutant(
        "no place kept for who comes back",
        (
            Change(
                "services/stripe_api/call_queue.py",
                "            self._customers.keep(turn.name, turn.about, self._loop.time() + retry_after)\n",
                "            pass\n",
            ),
        ),
        (f"{QUEUE}::test_who_comes_back_as_told_is_served_then",),
    ),
    Mutant(
        "a turn that counts only once its call is sent",
        (
            Change(
                "services/stripe_api/pace.py",
                "places = self._most - self._lent",
                "places = self._most",
            ),
        ),
        (f"{QUEUE}::test_a_turn_whose_call_was_prepared_for_long_still_counts",),
    ),
    Mutant(
        "an order read before its lock",
        (
            Change(
                "models/payments/settlement_statements.py",
                ".where(_this_order).with_for_update()\n",
                ".where(_this_order)\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_sql_that_is_not_committed_while_a_payment_settles_counts",),
    ),
    Mutant(
        "a total taken in the statement that waits for the lock",
        (
            Change(
                "models/payments/settlement_statements.py",
                "col(Order.currency), col(Order.version)).where(_this_order).with_for_update()",
                'col(Order.currency), order_total.label("total"))'
                ".where(_this_order).with_for_update(of=Order)",
            ),
            Change(
                "services/payments/order_money.py",
                '    total = (await transaction.one(ORDER_TOTAL, {"order_id": order_id})).total\n',
                "    total = locked.total\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_sql_that_is_not_committed_while_a_payment_settles_counts",),
    ),
    Mutant(
        "an intent written over another",
        (
            Change(
                "services/payments/settlement.py",
                "if payment.intent_id not in (None, intent.id):",
                "if False:",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_an_intent_is_not_written_over_another_that_was_recorded_meanwhile",),
    ),
    Mutant(
        "a refund's id at random",
        (
            Change(
                "services/payments/refund_ids.py",
                'return uuid5(_NAMESPACE, f"{intent_id} merchant {client_key}")',
                'return __import__("uuid").uuid4()',
            ),
        ),
        (f"{TRUE_REFUNDS}::test_the_same_key_after_a_restored_backup_takes_over_what_stripe_has",),
    ),
    Mutant(
        "a refund whose payment is not known yet forgotten",
        (
            Change(
                "services/payments/refunds.py",
                "        if not await self._write(intent_id, listed):\n",
                "        if await self._write(intent_id, listed) is None:\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_refund_heard_of_before_its_payment_counts",),
    ),
    Mutant(
        "a forbidden refund that fails for good",
        (
            Change(
                "services/payments/refunds.py",
                "            await self._postpone(refund, error, FORBIDDEN)\n",
                '            await self._end(refund, FAIL_REFUND, error, "refused")\n',
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_forbidden_refund_calls_with_stripes_sentence_and_is_made_once_it_may_be",),
    ),
    Mutant(
        "a dispute that an older answer overwrites",
        (
            Change(
                "models/refunds/statements.py",
                "        col(Dispute.asked_at) <= _fresh.asked_at,\n",
                "",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_dispute_never_goes_back_in_time",),
    ),
    Mutant(
        "a decided dispute opened again",
        (
            Change(
                "models/refunds/statements.py",
                "        or_(col(Dispute.status).not_in(_decided), _fresh.status.in_(_decided)),\n",
                "",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_what_is_decided_is_not_reopened_by_a_newer_wrong_answer",),
    ),
    Mutant(
        "a review that the right refund does not settle",
        (
            Change(
                "services/payments/state_machine.py",
                "(order.total, order.currency) and not others\n",
                "(order.total, order.currency) and bool(others)\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_the_part_that_was_too_much_settles_a_review_when_it_is_refunded",),
    ),
    Mutant(
        "money that waits and an order that can be paid",
        (
            Change("services/payments/claims.py", "        if self.has_money:", "        if False:"),
            Change("models/payments/statements.py", "            ~_order.c.has_money,\n", ""),
        ),
        (f"{REVIEW}::test_money_that_waits_keeps_its_order_unpayable_whatever_somebody_sets_its_status_to",),
    ),
    Mutant(
        "the shop's own words told to a customer",
        (
            Change(
                "graph/types/money_history.py",
                "return self.view.note if _is_shop(info) else None",
                "return self.view.note",
            ),
        ),
        (f"{REVIEW}::test_a_customer_reads_only_what_was_written_for_them",),
    ),
    Mutant(
        "an order that expires before its intent",
        (
            Change(
                "services/payments/order_cancellation.py",
                "        if live is not None and live.intent_id is not None:\n"
                "            if not await self._is_unpaid(live.intent_id):\n",
                "        if live is not None and live.intent_id is not None:\n            if False:\n",
            ),
        ),
        (f"{EXPIRY}::test_a_payment_that_came_first_wins",),
    ),
)
