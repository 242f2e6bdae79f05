"""A sync ends with the database that the feed describes, and downloads and writes nothing that it need not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.settings import RemovalPolicy
from orchestration_tests.catalogue.feed_folder import skus
from orchestration_tests.catalogue.sample_documents import a360_documents, a461_documents, as_bytes, family_document
from orchestration_tests.catalogue.syncing import contents, import_due, plan, rows, sync

if TYPE_CHECKING:
    from orchestration.catalogue.catalogue import Catalogue
    from orchestration_tests.catalogue.feed_folder import FeedFolder


def renamed(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The document with another Dutch name."""
    changed = copy.deepcopy(document)
    changed["ProductDetails"]["nl"]["Name"] = name
    return changed


def test_110_single_child_documents_give_110_families(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*a360_documents(110))

    synced = sync(catalogue)

    assert synced.families == {"added": 110}
    assert rows(catalogue.database, "SELECT count(*) FROM product_family") == [110]
    assert rows(catalogue.database, "SELECT count(*) FROM product_variant WHERE sku = a_number") == [110]


def test_14_documents_give_their_7_to_35_variants_each(catalogue: Catalogue, feed: FeedFolder) -> None:
    documents = a461_documents()
    feed.put(*documents)

    sync(catalogue)

    found = dict(rows(catalogue.database, "SELECT a_number, count(*) FROM product_variant GROUP BY a_number"))
    assert found == {document["Sku"]: len(document["ChildProducts"]) for document in documents}
    assert (min(found.values()), max(found.values()), len(found)) == (7, 35, 14)


def test_a_supplier_whose_planning_takes_too_long_fails_alone(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1"), family_document("A360-1"))
    catalogue.settings = catalogue.settings.model_copy(update={"supplier_timeout_ms": 200})
    with catalogue.database.begin() as stranger:
        stranger.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('plan A23'))"))

        slow, sound = plan(catalogue)

    assert (slow.code, slow.plan) == ("A23", None)
    assert "statement timeout" in slow.problem
    assert "did not answer" not in slow.problem
    assert sound.queued == ("A360-1",)


def test_of_50_families_with_10_changed_exactly_10_are_downloaded(catalogue: Catalogue, feed: FeedFolder) -> None:
    documents = [family_document(f"A23-{number}") for number in range(50)]
    feed.put(*documents)
    sync(catalogue)
    feed.put(*(renamed(document, f"Nieuw {document['Sku']}") for document in documents[:10]))

    [planned] = plan(catalogue)

    assert planned.plan is not None
    assert (planned.plan.listed, len(planned.queued), planned.plan.unchanged) == (50, 10, 40)
    assert sorted(family.a_number for family in import_due(catalogue)) == sorted(skus(documents[:10]))


def test_the_same_feed_again_downloads_nothing_and_writes_no_row(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*(feed.with_pictures(family_document(f"A23-{number}", children=3)) for number in range(5)))
    feed.put_broken("A24-9", b"{}")
    sync(catalogue)
    before = (
        contents(catalogue.database),
        rows(catalogue.database, "SELECT xmin::text FROM product_family"),
        _tasks(catalogue),
    )

    synced = sync(catalogue)

    after = (
        contents(catalogue.database),
        rows(catalogue.database, "SELECT xmin::text FROM product_family"),
        _tasks(catalogue),
    )
    assert synced.families == {"unchanged": 5, "quarantined": 1}
    assert (synced.counts.documents, synced.counts.rows_written) == (0, 0)
    assert after == before


def _tasks(catalogue: Catalogue) -> list[Any]:
    return rows(catalogue.database, "SELECT id, xmin::text FROM task UNION ALL SELECT id, xmin::text FROM sync")


def test_a_hash_that_lies_is_found_by_the_full_audit_only(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = family_document("A23-1")
    feed.put(document)
    sync(catalogue)
    feed.write("A23-1", as_bytes(feed.with_pictures(renamed(document, "Heimelijk anders"))))

    assert sync(catalogue).families == {"unchanged": 1}
    synced = sync(catalogue, full=True)

    assert synced.families == {"changed": 1}
    assert rows(catalogue.database, "SELECT name ->> 'nl' FROM product_family") == ["Heimelijk anders"]


def test_a_full_audit_of_honest_documents_changes_nothing(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*(family_document(f"A23-{number}", children=4) for number in range(3)))
    sync(catalogue)
    before = contents(catalogue.database)

    synced = sync(catalogue, full=True)

    assert synced.families == {"unchanged": 3}
    assert (synced.counts.documents, synced.counts.rows_written) == (3, 0)
    assert contents(catalogue.database) == before


def test_a_changed_field_is_recorded_with_before_and_after(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = family_document("A23-1", price=10.0)
    feed.put(document)
    sync(catalogue)
    changed = copy.deepcopy(document)
    changed["NonLanguageDependedProductDetails"]["Brand"] = "Anders"
    feed.put(changed)

    sync(catalogue)

    query = "SELECT entity, key, field, before, after FROM change WHERE kind = 'changed'"
    assert rows(catalogue.database, query) == [("family", "A23-1", "brand", "Example Wear", "Anders")]


def test_a_variant_that_left_the_document_is_deactivated_and_recorded(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = family_document("A461-1", children=7)
    feed.put(document)
    sync(catalogue)
    gone = document["ChildProducts"][6]["Sku"]
    feed.put(document | {"ChildProducts": document["ChildProducts"][:6]})

    sync(catalogue)

    assert rows(catalogue.database, "SELECT sku FROM product_variant WHERE NOT is_active") == [gone]
    assert rows(catalogue.database, "SELECT key FROM change WHERE entity = 'variant' AND kind = 'removed'") == [gone]


@pytest.mark.parametrize(
    ("policy", "is_active", "is_deleted"),
    [
        (RemovalPolicy.KEEP, True, False),
        (RemovalPolicy.UNPUBLISH, False, False),
        (RemovalPolicy.SOFT_DELETE, False, True),
    ],
)
def test_a_family_that_left_the_feed_is_treated_as_the_policy_says(
    catalogue: Catalogue,
    feed: FeedFolder,
    policy: RemovalPolicy,
    is_active: bool,
    is_deleted: bool,
) -> None:
    catalogue.settings = catalogue.settings.model_copy(update={"removal_policy": policy})
    feed.put(family_document("A23-2"), family_document("A23-1"))
    sync(catalogue)
    feed.remove("A23-2")

    synced = sync(catalogue)

    assert synced.families == {"removed": 1, "unchanged": 1}
    query = (
        "SELECT is_active, deleted_at IS NOT NULL, removed_at IS NOT NULL FROM product_family WHERE a_number = 'A23-2'"
    )
    assert rows(catalogue.database, query) == [(is_active, is_deleted, True)]
    assert sync(catalogue).families == {"unchanged": 1}


def test_a_family_that_comes_back_is_active_again(catalogue: Catalogue, feed: FeedFolder) -> None:
    document = family_document("A23-2")
    feed.put(document, family_document("A23-1"))
    sync(catalogue)
    feed.remove("A23-2")
    sync(catalogue)
    feed.put(document)

    synced = sync(catalogue)

    assert synced.families == {"changed": 1, "unchanged": 1}
    query = "SELECT is_active, removed_at FROM product_family WHERE a_number = 'A23-2'"
    assert rows(catalogue.database, query) == [(True, None)]


def test_removals_beyond_the_guard_are_held_back_while_the_rest_goes_on(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*(family_document(f"A23-{number}") for number in range(20)), family_document("A24-1"))
    sync(catalogue)
    feed.remove(*(f"A23-{number}" for number in range(6)))
    feed.put(family_document("A23-new"))

    synced = sync(catalogue)

    assert synced.families == {"added": 1, "held_back": 6, "unchanged": 15}
    assert rows(catalogue.database, "SELECT count(*) FROM product_family WHERE is_active") == [22]
    [message] = rows(catalogue.database, "SELECT message FROM sync ORDER BY id DESC LIMIT 1")
    assert "6 of 20" in message
    assert "--allow-mass-removal" in message
    assert sync(catalogue, allow_mass_removal=True).families == {"removed": 6, "unchanged": 16}


def test_a_supplier_that_vanishes_and_an_empty_feed_remove_nothing(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1"), family_document("A24-1"))
    sync(catalogue)
    feed.remove("A24-1")
    assert sync(catalogue).families == {"held_back": 1, "unchanged": 1}
    feed.remove("A23-1")

    assert sync(catalogue).families == {"held_back": 2}

    assert rows(catalogue.database, "SELECT count(*) FROM product_family WHERE is_active") == [2]


def test_a_broken_document_is_quarantined_with_its_bytes_and_the_rest_goes_on(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put(family_document("A23-1"))
    feed.put_broken("A23-2", b'{"ANumber": "A23", ')

    synced = sync(catalogue)

    assert synced.families == {"added": 1, "quarantined": 1}
    [(key, code, document)] = rows(catalogue.database, "SELECT a_number, code, document FROM quarantine")
    assert (key, code, bytes(document)) == ("A23-2", "truncated", b'{"ANumber": "A23", ')


def test_a_mended_document_leaves_the_quarantine(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put_broken("A23-2", b"<html>")
    sync(catalogue)
    feed.put(family_document("A23-2"))

    synced = sync(catalogue)

    assert synced.families == {"added": 1}
    assert rows(catalogue.database, "SELECT count(*) FROM quarantine") == [0]


def test_a_document_mended_under_the_same_hash_is_taken_when_it_is_replayed(
    catalogue: Catalogue, feed: FeedFolder
) -> None:
    feed.put_broken("A23-2", b"[]")
    sync(catalogue)
    feed.write("A23-2", as_bytes(feed.with_pictures(family_document("A23-2"))))

    assert sync(catalogue).families == {"quarantined": 1}
    [family] = import_due(catalogue, ["A23-2"])

    assert family.stored is not None
    assert rows(catalogue.database, "SELECT count(*) FROM quarantine") == [0]


def test_a_family_that_is_not_in_the_feed_fails_with_a_reason(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1"))
    plan(catalogue)

    found = {family.a_number: family.problem for family in import_due(catalogue, ["A23-1", "A23-none"])}

    assert found["A23-1"] is None
    assert "not in the feed" in (found["A23-none"] or "")


def test_tasks_that_ended_long_ago_are_forgotten(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-1", pictures=0))
    sync(catalogue)
    with catalogue.database.begin() as connection:
        connection.execute(sa.text("UPDATE task SET finished_at = now() - interval '2 days'"))

    import_due(catalogue)

    assert rows(catalogue.database, "SELECT count(*) FROM task") == [0]


def test_a_new_field_is_recorded_as_drift_with_an_example(catalogue: Catalogue, feed: FeedFolder) -> None:
    documents = [family_document(f"A23-{number}") for number in range(6)]
    feed.put(*documents)
    sync(catalogue)
    feed.put(documents[3] | {"Sustainability": {"Score": 3}})

    sync(catalogue)

    query = "SELECT supplier, path, kind, example FROM drift"
    assert rows(catalogue.database, query) == [("A23", "$.Sustainability", "new", "A23-3")]


def test_a_mistyped_field_is_left_out_and_recorded_as_drift(catalogue: Catalogue, feed: FeedFolder) -> None:
    documents = [family_document(f"A23-{number}") for number in range(6)]
    feed.put(*documents)
    sync(catalogue)
    mistyped = copy.deepcopy(documents[2])
    mistyped["ChildProducts"][0]["NonLanguageDependedProductDetails"]["Weight"] = "heavy"
    feed.put(mistyped)

    synced = sync(catalogue)

    assert synced.families == {"changed": 1, "unchanged": 5}
    found = rows(catalogue.database, "SELECT path, kind FROM drift ORDER BY kind")
    assert {path.rpartition(".")[2] for path, _ in found} == {"Weight"}
    assert [kind for _, kind in found] == ["oddity", "type"]


def test_families_whose_skus_differ_in_case_only_are_two(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(family_document("A23-Retro"), family_document("A23-RETRO"))

    assert sync(catalogue).families == {"added": 2}


def test_a_stopped_sync_goes_on_where_it_ended(catalogue: Catalogue, feed: FeedFolder) -> None:
    feed.put(*(family_document(f"A23-{number}") for number in range(4)))
    plan(catalogue)
    with catalogue.database.begin() as connection:
        assert catalogue.family_queue.cancel(connection, "A23") == 4

    assert sync(catalogue).families == {"added": 4}


def test_the_categories_are_stored_with_their_parents(catalogue: Catalogue) -> None:
    import asyncio

    first = asyncio.run(catalogue.sync_categories())
    second = asyncio.run(catalogue.sync_categories())

    assert (len(first.changes.added), second.changes.rows_written) == (2, 0)
    query = "SELECT code, parent_code FROM category ORDER BY code"
    assert rows(catalogue.database, query) == [("TEXTILES", None), ("TEXTILES/SOFTSHELLS", "TEXTILES")]
