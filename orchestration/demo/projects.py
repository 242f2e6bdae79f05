"""Canvas projects for tests, benchmarks and the sample system: boards that people have really worked on.

Who works on what, and what they do next. Keep out: what an operation does, or the media themselves,
whose ids (`media_id`) a sample of media shares with this one.

A seed gives the same projects on every machine. Every element comes from operations that went through the log.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.model import Element, ElementType, Operation, OperationType, clean
from orchestration.canvas.operations import apply, settle
from orchestration.canvas.projects import NewProject, create_projects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.storage.database import Database

SAMPLE_PROJECTS = 40
MEDIA_PER_PROJECT = 4
SESSIONS = 3
# One project in so many has been worked on for weeks.
LARGE_EVERY = 8

_PEOPLE = ("ada", "bruno", "chiara", "dmitri", "emre", "fatou", "greta", "hiro")
_SUBJECTS = ("Mug", "Hoodie", "Tote bag", "Lanyard", "Water bottle", "Umbrella", "Notebook", "Beanie", "Trade fair")
_OCCASIONS = ("autumn range", "moodboard", "launch", "gift box", "for the marathon", "colour study", "second draft")
_COLOURS = ("#1b3a4b", "#e07a5f", "#f2cc8f", "#81b29a", "#3d405b", "#ffffff")
_WORDS = ("Thank you", "Team 2025", "Größe M bis XXL", "Since 1987", "Run for good", "Welcome aboard")


class LoadedProjects(NamedTuple):
    """How much was new."""

    projects: int
    operations: int
    elements: int
    media_references: int


def media_id(seed: int, number: int) -> str:
    """The id of a sample medium; the project with the index i shows those from `i * MEDIA_PER_PROJECT` on."""
    return f"m-{seed}-{number}"


def load_projects(database: Database, count: int, seed: int) -> LoadedProjects:
    """Make `count` projects with their histories, which end at different times in the last three days.

    Those that exist stay as they are.
    """
    now = datetime.now(UTC)
    projects = done = elements = references = 0
    for index in range(count):
        random = Random(f"projects-{seed}-{index}")  # noqa: S311 - a sample, not a secret
        project = _project(random, seed, index)
        media = [media_id(seed, index * MEDIA_PER_PROJECT + number) for number in range(MEDIA_PER_PROJECT)]
        size = random.randint(250, 400) if index % LARGE_EVERY == 0 else random.randint(8, 120)
        board = Board(random, media)
        history = board.operations(size)
        actors = (project.owner_uid, *(uid for uid, role in project.collaborators.items() if role == "editor"))
        if not _store(database, project, [NewOperation(one, random.choice(actors)) for one in history], now):
            continue
        projects += 1
        done += len(history)
        elements += len(board.elements)
        references += sum("mediaId" in element.meta for element in board.elements.values())
    return LoadedProjects(projects, done, elements, references)


def _project(random: Random, seed: int, index: int) -> NewProject:
    owner, *others = random.sample(_PEOPLE, 3)
    return NewProject(
        f"p-{seed}-{index}",
        f"{random.choice(_SUBJECTS)}, {random.choice(_OCCASIONS)}",
        owner,
        collaborators=dict(zip(others, ("editor", "viewer"), strict=True)),
        settings={"width": 4000, "height": 3000, "backgroundColor": "#ffffff", "gridEnabled": random.random() < 0.5},  # noqa: PLR2004 - every other one
    )


def _store(database: Database, project: NewProject, history: Sequence[NewOperation], now: datetime) -> bool:
    """Write the history as a few sessions, some hours apart; False for a project that exists."""
    length = -(-len(history) // SESSIONS)
    last = now - timedelta(hours=len(history) % 72)
    with database.begin() as connection:
        if not create_projects(connection, [project]):
            return False
        for session in range(SESSIONS):
            part = history[session * length : (session + 1) * length]
            if part:
                at = last - timedelta(hours=5 * (SESSIONS - 1 - session))
                append(connection, project.project_id, part, at=at)
    return True


class Board:
    """Someone at work on a canvas: `operations` tells what they do next; `elements` is what lies there by then."""

    def __init__(self, random: Random, media: Sequence[str], most: int = 60) -> None:
        self._random = random
        self._media = media
        self._most = most
        self._made = 0
        self._actions = {
            OperationType.MOVE: self._move, OperationType.CREATE: self._create, OperationType.UPDATE: self._update,
            OperationType.RESIZE: self._resize, OperationType.STYLE: self._style, OperationType.SELECT: self._select,
            OperationType.LAYER: self._layer, OperationType.DELETE: self._delete, OperationType.CONNECT: self._connect,
            OperationType.GROUP: self._group, OperationType.UNGROUP: self._ungroup,
        }  # fmt: skip
        self.elements: dict[str, Element] = {}

    def operations(self, count: int) -> list[Operation]:
        """The next operations; the board is as they leave it."""
        return [self._do(self._next()) for _ in range(count)]

    def _do(self, operation: Operation) -> Operation:
        operation = clean(operation)
        settle(self.elements, apply(self.elements, operation).touched)
        return operation

    def _next(self) -> Operation:
        if len(self.elements) < 4:  # noqa: PLR2004 - so few that most operations need more
            return self._create()
        kinds = _HABITS if len(self.elements) < self._most else {**_HABITS, OperationType.DELETE: 40}
        kind = self._random.choices(list(kinds), list(kinds.values()))[0]
        return self._actions[kind]()

    def _create(self) -> Operation:
        kind = self._random.choice((ElementType.IMAGE, ElementType.IMAGE, ElementType.TEXT, ElementType.SHAPE))
        place = {"x": self._number(4000), "y": self._number(3000), "zIndex": self._made}
        size = {"width": self._number(600) + 20, "height": self._number(400) + 20}
        made = {"type": kind, **place, **size, "meta": self._meta(kind)}
        return Operation(OperationType.CREATE, self._new("e"), data={"element": made})

    def _meta(self, kind: ElementType) -> dict[str, Any]:
        if kind is ElementType.IMAGE:
            shown = self._random.choice(self._media)
            return {"mediaId": shown, "storagePath": f"canvas/{shown}.png"}
        if kind is ElementType.TEXT:
            return {"text": self._random.choice(_WORDS), "fontSize": self._random.choice((12, 18, 24, 48))}
        return {"shapeType": self._random.choice(("rect", "ellipse")), "fill": self._random.choice(_COLOURS)}

    def _move(self) -> Operation:
        delta = {"x": self._number(400) - 200, "y": self._number(300) - 150}
        return Operation(OperationType.MOVE, element_ids=self._some(), data={"delta": delta})

    def _update(self) -> Operation:
        updates = {"rotation": self._number(360), "meta": {"text": self._random.choice(_WORDS)}}
        return Operation(OperationType.UPDATE, self._any(), data={"updates": updates})

    def _resize(self) -> Operation:
        size = {"width": self._number(600) + 20, "height": self._number(400) + 20}
        return Operation(OperationType.RESIZE, self._any(), data=size)

    def _style(self) -> Operation:
        look = {"opacity": self._random.choice((0.25, 0.5, 1)), "fill": self._random.choice(_COLOURS)}
        return Operation(OperationType.STYLE, element_ids=self._some(), data={"style": look})

    def _layer(self) -> Operation:
        return Operation(OperationType.LAYER, self._any(), data={"zIndex": self._random.randint(0, self._made)})

    def _connect(self) -> Operation:
        return Operation(OperationType.CONNECT, self._new("c"), data={"from": self._any(), "to": self._any()})

    def _group(self) -> Operation:
        return Operation(OperationType.GROUP, self._new("g"), self._some())

    def _ungroup(self) -> Operation:
        groups = sorted(key for key, element in self.elements.items() if element.type is ElementType.GROUP)
        return Operation(OperationType.UNGROUP, self._random.choice(groups)) if groups else self._group()

    def _delete(self) -> Operation:
        return Operation(OperationType.DELETE, element_ids=self._some())

    def _select(self) -> Operation:
        return Operation(OperationType.SELECT, element_ids=self._some())

    def _number(self, most: float) -> float:
        return round(self._random.uniform(0, most), 3)

    def _new(self, letter: str) -> str:
        self._made += 1
        return f"{letter}{self._made}"

    def _any(self) -> str:
        return self._random.choice(list(self.elements))

    def _some(self) -> tuple[str, ...]:
        return tuple(self._random.sample(list(self.elements), self._random.randint(1, 3)))


# What people do on a canvas, in parts of a hundred or so.
_HABITS = {
    OperationType.MOVE: 40, OperationType.CREATE: 15, OperationType.UPDATE: 12, OperationType.RESIZE: 8,
    OperationType.STYLE: 8, OperationType.SELECT: 6, OperationType.LAYER: 4, OperationType.DELETE: 3,
    OperationType.CONNECT: 3, OperationType.GROUP: 2, OperationType.UNGROUP: 1,
}  # fmt: skip
