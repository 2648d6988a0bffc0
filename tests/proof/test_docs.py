"""docs/payments.md says what the code does."""

from pathlib import Path

from tests.proof.diagram import mermaid

PAGE = Path(__file__).parent.parent.parent / "docs" / "payments.md"


def test_the_diagram_in_the_docs_is_that_of_the_code() -> None:
    diagram = mermaid()

    assert f"```mermaid\n{diagram}\n```" in PAGE.read_text(), f"put this into {PAGE}:\n{diagram}"
