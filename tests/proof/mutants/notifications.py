"""Deliberate bugs of the events to the shop: their feed and their deliveries."""

from tests.proof.mutants.mutant import Change, Mutant

EVENTS = "tests/integration/notifications/test_events.py"
DELIVERIES = "tests/integration/notifications/test_webhook_deliveries.py"
FAILURES = "tests/integration/notifications/test_webhook_failures.py"
ADDRESSES = "tests/unit/notifications/test_webhook_addresses.py"
MACHINE = "tests/proof/test_state_machine.py"
MIGRATION = "models/migrations/versions/0019_events_of_orders.py"
DISPATCHER = "services/notifications/webhook_dispatcher.py"

MUTANTS = (
    Mutant(
        "an order in review leaves no event",
        (
            Change(
                MIGRATION,
                "            OLD.status <> NEW.status\n            OR",
                "            OLD.status <> NEW.status AND NEW.status <> 'review'\n            OR",
            ),
        ),
        (f"{EVENTS}::test_each_change_of_a_status_is_one_event_also_by_plain_sql",),
    ),
    Mutant(
        "a refund that fails leaves no event when it was canceled",
        (Change(MIGRATION, "NEW.state IN ('failed', 'canceled') AND", "NEW.state IN ('failed') AND"),),
        (f"{EVENTS}::test_refunds_are_told",),
    ),
    Mutant(
        "an event gets its place by the order in which it was written",
        (
            Change(
                "models/shop_events/statements.py",
                "(last_position + func.row_number().over(order_by=_waiting.c.written)).label",
                "(_waiting.c.written).label",
            ),
        ),
        (f"{EVENTS}::test_a_reader_does_not_pass_an_event_that_is_committed_late",),
    ),
    Mutant(
        "two publish at once",
        (
            Change(
                "services/notifications/publishing.py",
                "    if not gate.is_taken:\n        return 0\n",
                "",
            ),
        ),
        (f"{EVENTS}::test_two_who_publish_at_once_give_each_event_one_place",),
    ),
    Mutant(
        "a reader ahead of a restored backup goes on at its place",
        (
            Change(
                "services/notifications/event_feed.py",
                "        if is_same or is_deleted_by_age:\n",
                "        if is_same or is_deleted_by_age or row.last >= 0:\n",
            ),
        ),
        (f"{EVENTS}::test_a_reader_who_was_ahead_of_a_restored_backup_misses_nothing",),
    ),
    Mutant(
        "a delivery is marked before it was answered",
        (
            Change(
                DISPATCHER,
                "            answer = await self._call(endpoint, delivery)\n",
                "            await self._write_down(endpoint, delivery, Answer(204, None))\n"
                "            answer = await self._call(endpoint, delivery)\n",
            ),
        ),
        (
            f"{DELIVERIES}::test_a_delivery_is_due_until_its_answer_came",
            f"{DELIVERIES}::test_an_answer_that_was_not_written_down_is_asked_for_again",
        ),
    ),
    Mutant(
        "a dead endpoint holds up the others",
        (
            Change(
                DISPATCHER,
                "                await self._begin()\n",
                "                await self._begin()\n                await asyncio.gather(*self._tries)\n",
            ),
        ),
        (f"{DELIVERIES}::test_an_endpoint_that_hangs_holds_up_no_other",),
    ),
    Mutant(
        "an answer counts for another try",
        (
            Change(
                "models/webhooks/deliveries.py",
                '    col(WebhookDelivery.attempts) == bindparam("attempt", type_=Integer),\n',
                "",
            ),
        ),
        (f"{DELIVERIES}::test_an_answer_behind_its_lease_is_not_taken_for_that_of_the_next_try",),
    ),
    Mutant(
        "an answer counts for the replay of its delivery",
        (
            Change(
                "models/webhooks/deliveries.py",
                '    col(WebhookDelivery.began_at) == bindparam("first_due", type_=DateTime(timezone=True)),\n',
                "",
            ),
        ),
        (f"{DELIVERIES}::test_a_late_answer_is_not_taken_for_that_of_the_replay",),
    ),
    Mutant(
        "an endpoint that is disabled is not told of",
        (
            Change(
                "services/notifications/webhook_failures.py",
                "        await open_case(transaction, disabled(endpoint_id, endpoint, error))\n",
                "        pass\n",
            ),
        ),
        (f"{FAILURES}::test_after_three_days_of_nothing_an_endpoint_is_disabled_and_a_person_told",),
    ),
    Mutant(
        "a name is not checked where it leads to",
        (
            Change(
                "services/notifications/webhook_addresses.py",
                "        for _, address in found:\n            self._check(host, ip_address(address))\n",
                "",
            ),
        ),
        (f"{ADDRESSES}::test_a_name_is_refused_when_it_leads_inside",),
    ),
    Mutant(
        "redirects are followed",
        (
            Change(
                "services/notifications/webhook_sender.py", "allow_redirects=False", "allow_redirects=True"
            ),
        ),
        (f"{FAILURES}::test_what_is_not_taken_is_tried_again_later",),
    ),
    Mutant(
        "a message is done with whatever the endpoint answered",
        (
            Change(
                DISPATCHER,
                "        if not answer.is_taken:\n",
                "        if answer.http_status is None:\n",
            ),
        ),
        (MACHINE,),
    ),
    Mutant(
        "a try that is canceled before it began keeps its place",
        (
            Change(
                DISPATCHER,
                "        self._busy[endpoint.id] -= 1\n",
                "        self._busy[endpoint.id] -= not task.cancelled()\n",
            ),
        ),
        (f"{DELIVERIES}::test_a_try_that_is_canceled_before_it_begins_takes_no_place_for_ever",),
    ),
)
