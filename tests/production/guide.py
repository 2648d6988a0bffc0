"""The blocks of docs/operations/debian.md, as somebody copies them."""

import re
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "operations" / "debian.md"


@dataclass(frozen=True)
class Block:
    """`step` is the number of its heading, `part` which of the heading's blocks it is, from 1."""

    step: int
    part: int
    title: str
    script: str

    @property
    def name(self) -> str:
        return f"{self.step}.{self.part} {self.title}"


def blocks() -> list[Block]:
    found = []
    sections = re.findall(r"^## (\d+)\. (.+?)\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    for number, title, text in sections:
        scripts = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        found += [Block(int(number), part, title, script) for part, script in enumerate(scripts, 1)]
    return found
