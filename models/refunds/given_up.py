"""A person's word about a refund: they closed its case, since its money went back in another way."""

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists
from sqlmodel import col

from models.attention.tables import AttentionCase, AttentionKind, AttentionSubject
from models.base import among

OF_REFUNDS = (AttentionKind.REFUND_FAILED, AttentionKind.REFUND_FORBIDDEN)


def is_given_up(refund: Any) -> ColumnElement[bool]:
    """Whether a person closed one of its cases: it is not tried again, and opens no case any more."""
    return exists().where(
        among(col(AttentionCase.kind), OF_REFUNDS),
        among(col(AttentionCase.subject), (AttentionSubject.REFUND,)),
        col(AttentionCase.subject_id) == cast(col(refund.id), Text),
        col(AttentionCase.closed_by).is_not(None),
    )
