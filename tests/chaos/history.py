"""What the outside world did and was told: the known history that a run is judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from deploy.demo.letters import Letter
from shared.contracts.codes import Answer
from shared.contracts.topics.notices import SuitFiled
from shared.messaging.wire import Raw


@dataclass(slots=True)
class History:
    """By message id: what was sent, and the first answer. `suits`: notices by docket; `people`: defendants by docket.

    `poison`: records that nobody can take in, each written once; `reused`: ids under which another content was sent, too.
    """

    sent: dict[UUID, Letter] = field(default_factory=dict)
    answers: dict[UUID, Answer] = field(default_factory=dict)
    suits: dict[str, set[UUID]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    poison: list[Raw] = field(default_factory=list)
    reused: set[UUID] = field(default_factory=set)

    def note(self, letter: Letter) -> None:
        """Somebody sends this."""
        self.sent[letter.id] = letter
        data = letter.data
        if isinstance(data, SuitFiled) and data.proceeding is not None:
            self.suits.setdefault(data.proceeding.docket, set()).add(letter.id)
            self.people[data.proceeding.docket] = len(data.defendants)

    def accepted(self, ids: set[UUID]) -> set[UUID]:
        """Those of them that were accepted."""
        return {each for each in ids if self.answers.get(each) is Answer.ACCEPTED}
