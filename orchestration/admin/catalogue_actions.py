"""What can be done to the catalogue: start and stop syncs, restore families. Keep out: the pages."""

from __future__ import annotations

from typing import Final

from orchestration.admin.forms import Action, Doing, Done, Field
from orchestration.admin.frame import address
from orchestration.admin.work import start_work
from orchestration.api.keys import Role
from orchestration.catalogue.feed.removal import restore_families
from orchestration.catalogue.feed.stopping import stop_supplier
from orchestration.catalogue.feed.suppliers import known_suppliers
from orchestration.catalogue.requests import SYNC
from orchestration.errors import NotFoundError

_HOW: Final = ("changed families", "every family")


def _start(doing: Doing) -> Done:
    supplier = doing.maybe("supplier")
    if supplier is not None and supplier not in known_suppliers(doing.connection):
        raise NotFoundError(f"There is no supplier {supplier}")
    is_full = doing.maybe("how") == _HOW[1]
    asked = start_work(doing, SYNC, {"suppliers": [supplier] if supplier else [], "full": is_full})
    return Done(f"The sync of {supplier or 'all suppliers'} is request {asked.id}; it begins within seconds")


def _stop(doing: Doing) -> Done:
    supplier = doing.one("supplier")
    stopped = stop_supplier(doing.connection, doing.domains.catalogue.family_queue, supplier, by=doing.by)
    return Done(f"{supplier}: {stopped.cancelled} families taken from the queue, {stopped.interrupted} interrupted")


def _ask_stop(doing: Doing) -> str:
    supplier = doing.one("supplier")
    counts = doing.domains.catalogue.family_queue.counts(doing.connection, supplier)
    return (
        f"The sync of {supplier} stops: {counts.waiting + counts.delayed} families are taken from the queue, and "
        f"{counts.active} that are being imported are interrupted. The next sync goes on where this one ended."
    )


def _restore(doing: Doing) -> Done:
    a_number = doing.one("a_number")
    if not restore_families(doing.connection, [a_number]):
        raise NotFoundError(f"{a_number} is not removed; nothing was done")
    return Done(f"{a_number} is published again", address("families", a_number))


ACTIONS: Final = (
    Action("sync.start", "Sync", Role.ENQUEUE, "supplier", _start, fields=(Field("how", "Download", _HOW),)),
    Action("sync.stop", "Stop", Role.ENQUEUE, "supplier", _stop, _ask_stop, is_harmful=True),
    Action("family.restore", "Publish again", Role.ADMIN, "family", _restore, named_by="a_number"),
)
