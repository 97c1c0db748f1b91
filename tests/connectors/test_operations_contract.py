"""What every Quarantine, Keys, Jobs, DeadLetters and Imports promises."""

from collections.abc import Callable
from functools import partial

import msgspec

from smartshop.data_collection.connectors.ports import ApiKey, DeadLetter, ImportMark, JobRecord, QuarantinedRow
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import ProductId, VariantId
from smartshop.data_collection.schemas.messages import CatalogueChanged, StockChanged
from tests.connectors.told import NOON, at, in_threads

MINUTES = 60


def refused(reason: str, source: str = "api", raw: bytes = b"{\x00\xff") -> QuarantinedRow:
    return QuarantinedRow(source=source, reason=reason, raw=raw, received_at=NOON, trust="client")


class TestQuarantine:
    def test_rows_wait_as_they_came_until_they_are_replayed(self, stores: SqlStores) -> None:
        stores.quarantine.add([refused("too_old: 2001."), refused("too_old: 2002.", "segment"), refused("bad: NaN.")])
        rows = stores.quarantine.page()
        assert msgspec.structs.replace(rows[0], row_id=0) == refused("too_old: 2001.")
        assert stores.quarantine.counts() == {"too_old": 2, "bad": 1}
        assert [row.reason for row in stores.quarantine.page(source="segment")] == ["too_old: 2002."]
        assert [row.reason for row in stores.quarantine.page(after=rows[0].row_id, limit=1)] == ["too_old: 2002."]
        stores.quarantine.mark_replayed([rows[0].row_id], at(1))
        assert stores.quarantine.counts() == {"too_old": 1, "bad": 1}
        assert [row.row_id for row in stores.quarantine.page()] == [row.row_id for row in rows[1:]]


class TestKeys:
    def test_a_key_stays_as_first_added_and_is_revoked_once(self, stores: SqlStores) -> None:
        key = ApiKey(key_id="k1", kind="secret", sha256="ab", label="till", created_at=NOON)
        stores.keys.add(key)
        stores.keys.add(msgspec.structs.replace(key, label="other"))
        assert stores.keys.all() == [key]
        assert stores.keys.revoke("k1", at(1)) is True
        assert stores.keys.revoke("k1", at(2)) is False
        assert stores.keys.revoke("k2", at(2)) is False
        assert stores.keys.all()[0].revoked_at == at(1)

    def test_the_first_secret_ever_given_stays(self, stores: SqlStores, open_again: Callable[[], SqlStores]) -> None:
        another = open_again()
        made = in_threads([partial((stores, another)[n % 2].keys.secret, "tokens", bytes([n]) * 32) for n in range(6)])
        another.close()
        assert len(set(made)) == 1
        assert stores.keys.secret("tokens", b"later") == made[0]
        assert stores.keys.secret("else", b"later") == b"later"


def queued(name: str) -> JobRecord:
    return JobRecord(name=name, arguments={"day": "2025-10-09"}, queued_at=NOON)


class TestJobs:
    def test_jobs_are_taken_in_order_and_end(self, stores: SqlStores) -> None:
        assert stores.jobs.claim(NOON) is None
        first, second = stores.jobs.enqueue(queued("train")), stores.jobs.enqueue(queued("forecast"))
        taken = stores.jobs.claim(at(1))
        assert taken is not None
        assert (taken.job_id, taken.name, taken.state, taken.started_at) == (first, "train", "running", at(1))
        assert taken.arguments == {"day": "2025-10-09"}
        stores.jobs.report(first, 0.5, "half", at(2))
        assert (stores.jobs.recent()[1].progress, stores.jobs.recent()[1].note) == (0.5, "half")
        stores.jobs.finish(first, "done", "all", at(3))
        stores.jobs.finish(second, "failed", "no data", at(3))
        assert [(job.name, job.state, job.progress) for job in stores.jobs.recent()] == [
            ("forecast", "failed", 0.0),
            ("train", "done", 1.0),
        ]
        assert stores.jobs.claim(at(4)) is None

    def test_a_silent_job_is_free_again_after_ten_minutes(self, stores: SqlStores) -> None:
        job_id = stores.jobs.enqueue(queued("train"))
        stores.jobs.claim(at(0))
        stores.jobs.report(job_id, 0.1, "", at(5 * MINUTES))
        assert stores.jobs.claim(at(14 * MINUTES)) is None
        again = stores.jobs.claim(at(16 * MINUTES))
        assert again is not None
        assert again.job_id == job_id

    def test_jobs_are_taken_by_name_where_names_are_told(self, stores: SqlStores) -> None:
        push, train, mail = (stores.jobs.enqueue(queued(name)) for name in ("push", "train", "mail"))
        assert stores.jobs.claim(at(1), but=("push", "mail")) == stores.jobs.get(train)
        assert stores.jobs.claim(at(1), but=("push", "mail")) is None
        assert stores.jobs.claim(at(2), only=("push", "dance")) == stores.jobs.get(push)
        assert stores.jobs.claim(at(2), only=("push", "dance")) is None
        assert stores.jobs.claim(at(3), only=("mail", "push"), but=("push",)) == stores.jobs.get(mail)

    def test_who_lives_and_who_was_last_is_told_however_many_there_are(self, stores: SqlStores) -> None:
        first = stores.jobs.enqueue(queued("train"))
        stores.jobs.claim(at(1))
        ended = [stores.jobs.enqueue(queued("push")) for _ in range(60)]
        for job_id in ended:
            stores.jobs.finish(job_id, "done", "", at(2))
        last = stores.jobs.enqueue(queued("train"))
        assert [(job.job_id, job.state) for job in stores.jobs.alive()] == [(first, "running"), (last, "queued")]
        assert stores.jobs.newest("push") == stores.jobs.get(ended[-1])
        assert stores.jobs.newest("train") == stores.jobs.get(last)
        assert stores.jobs.newest("dance") is None

    def test_two_workers_never_get_the_same(self, stores: SqlStores, open_again: Callable[[], SqlStores]) -> None:
        for n in range(10):
            stores.jobs.enqueue(queued(f"job {n}"))
        another = open_again()
        taken = in_threads([partial((stores, another)[n % 2].jobs.claim, at(1)) for n in range(12)])
        another.close()
        assert sorted(job.name for job in taken if job is not None) == [f"job {n}" for n in range(10)]

    def test_the_last_heartbeat_counts(self, stores: SqlStores) -> None:
        stores.jobs.beat("serve", at(1))
        stores.jobs.beat("serve", at(2), "busy")
        stores.jobs.beat("work", at(1))
        assert stores.jobs.beats() == {"serve": (at(2), "busy"), "work": (at(1), "")}


class TestDeadLetters:
    def test_letters_wait_until_they_are_removed(self, stores: SqlStores) -> None:
        messages = (StockChanged((VariantId("v"),)), CatalogueChanged((ProductId("p"),)))
        for message in messages:
            stores.dead_letters.add(DeadLetter(agent="inventory", message=message, error="boom", failed_at=NOON))
        letters = stores.dead_letters.page()
        assert [letter.message for letter in letters] == list(messages)
        assert stores.dead_letters.page(after=letters[0].letter_id) == letters[1:]
        stores.dead_letters.remove([letters[0].letter_id])
        assert stores.dead_letters.page() == letters[1:]


class TestImports:
    def test_the_last_mark_counts(self, stores: SqlStores) -> None:
        assert stores.imports.find("file") is None
        stores.imports.mark(ImportMark(import_key="file", rows_done=10, finished=False), at(1))
        done = ImportMark(import_key="file", rows_done=20, finished=True, report={"stored": 19, "quarantined": 1})
        stores.imports.mark(done, at(2))
        stores.imports.mark(ImportMark(import_key="later", rows_done=0, finished=False), at(3))
        assert stores.imports.find("file") == done
        assert [mark.import_key for mark in stores.imports.all()] == ["later", "file"]
