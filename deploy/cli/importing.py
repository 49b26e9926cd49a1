"""`bleibe import`: files of partners become notices, sent as the partner itself would send them."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from cyclopts import App
from pydantic import ValidationError

from deploy.cli.output import fail, run
from deploy.cli.target import target, target_city
from deploy.cli.wire import publish_and_wait
from services.intake import xjustiz as messages
from services.intake.answers import advice
from services.intake.plausible import check
from services.intake.records import record
from services.intake.tabular import Row, TableMapping, rows
from shared.contracts.catalogue import NOTICES, owner_of
from shared.contracts.topics.notices import Notice
from shared.messaging.model import Rejected
from shared.runtime.settings import MUENSTER
from shared.runtime.texts import Texts

app = App(name="import", help="Read a partner's files and send what they say as notices.")
_TEXTS = Texts(Path(__file__).with_suffix(".json"))
_MAPPINGS = MUENSTER / "mappings"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one notice or row: `where` it stands; accepted, duplicate ... as its receipt says, or refused here."""

    where: str
    answer: str
    kind: str | None = None
    id: UUID | None = None
    field: str | None = None
    rule: str | None = None


@app.command
def xjustiz(*files: Path, partner: str = "ag-muenster") -> None:
    """Send the notices that XJustiz messages make, and wait for their receipts.

    Example: bleibe import xjustiz xjustiz_nachricht.xml

    Args:
        files: the messages.
        partner: in whose name; a court writes on its own topic.
    """
    topic = _topic(partner)
    results: list[Result] = []
    for file in files:
        try:
            filing = messages.file(messages.read(_bytes(file)), owner_of(topic))
        except Rejected as refused:
            results.append(Result(file.name, "refused", field=refused.field, rule=refused.rule))
            continue
        for warning in filing.warnings:
            print(_say("warning", where=file.name, advice=advice(f"warning.{warning}").de))
        results += _sent(topic, [(file.name, each, notice) for each, notice in filing.notices])
    _tell(results)


@app.command(name="csv")
def table(file: Path, *, mapping: str, dry_run: bool = False, report: Path | None = None) -> None:
    """Send each row of a table as a notice, by the mapping of its partner. A file may be imported again: nothing changes.

    Example: bleibe import csv kuendigungen.csv --mapping wohnungsgesellschaft-kuendigungen --dry-run

    Args:
        file: the table.
        mapping: a file of deploy/muenster/mappings, without .toml.
        dry_run: send nothing and say row by row what would happen, by today's date.
        report: where to write the refused rows: row, column, field, rule; never a value.
    """
    meant = _mapping(mapping)
    topic = _topic(meant.partner)
    try:
        found = rows(_bytes(file), meant, owner_of(topic))
    except Rejected as refused:
        _tell([Result(file.name, "refused", field=refused.field, rule=refused.rule)])
        return
    if dry_run:
        found = [_plausible(row, date.today()) for row in found]  # noqa: DTZ011  the day on this machine, as the help says
    ready = [(_row(row), row.id, row.notice) for row in found if row.id is not None and row.notice is not None]
    refusals = [Result(_row(row), "refused", field=row.field, rule=row.rule) for row in found if row.rule is not None]
    sent = [Result(where, "would_file", _kind(notice), each) for where, each, notice in ready] if dry_run else _sent(topic, ready)
    results = sorted([*sent, *refusals], key=lambda each: int(each.where.rpartition(" ")[2]))
    if report is not None:
        _report(report, results, meant)
    _tell(results, dry_run=dry_run)


def _topic(partner: str) -> str:
    known = [each.id for each in target_city().partners]
    if partner not in known:
        fail(f"There is no partner {partner}. There are: {', '.join(known)}.")
    return NOTICES.of(partner)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file} lässt sich nicht lesen / cannot be read: {error.strerror}.", 2)


def _mapping(name: str) -> TableMapping:
    known = {file.stem: file for file in sorted(_MAPPINGS.glob("*.toml"))}
    if name not in known:
        fail(f"There is no mapping {name}. There are: {', '.join(known)}.")
    try:
        return TableMapping.model_validate(tomllib.loads(known[name].read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        fail(f"{known[name]}: {error}", 2)


def _plausible(row: Row, today: date) -> Row:
    """What the service would refuse by the dates alone."""
    try:
        if row.notice is not None:
            check(row.notice, today)
    except Rejected as refused:
        return Row(row.number, field=refused.field, rule=refused.rule)
    return row


def _sent(topic: str, notices: Sequence[tuple[str, UUID, Notice]]) -> list[Result]:
    raws = {each: record(topic, each, notice) for _, each, notice in notices}
    receipts: dict[UUID, dict[str, Any]] = run(publish_and_wait(target(), topic, raws)) if raws else {}
    return [_result(where, each, notice, receipts.get(each)) for where, each, notice in notices]


def _result(where: str, notice_id: UUID, notice: Notice, receipt: dict[str, Any] | None) -> Result:
    if receipt is None:
        return Result(where, "unanswered", _kind(notice), notice_id)
    answer = "refused" if receipt["answer"] == "rejected" else receipt["answer"]
    return Result(where, answer, _kind(notice), notice_id, receipt.get("field"), receipt.get("rule"))


def _tell(results: Iterable[Result], *, dry_run: bool = False) -> None:
    """One line each, German; ends with status 1 where something was refused or not answered."""
    counts: Counter[str] = Counter()
    for each in results:
        counts[each.answer] += 1
        print(_line(each))
    known = counts["accepted"] + counts["duplicate"]
    other = counts.total() - known - counts["refused"]
    told = {"accepted": counts["accepted"], "duplicate": counts["duplicate"], "other": other, "refused": counts["refused"]}
    print(_say("dry_summary", ready=counts["would_file"], refused=counts["refused"]) if dry_run else _say("summary", **told))
    if counts["refused"] or counts["unanswered"]:
        raise SystemExit(1)


def _line(each: Result) -> str:
    kind = _say(each.kind) if each.kind else ""
    if each.answer == "refused":
        field = _say("field", field=each.field) if each.field else ""
        return _say("refused", where=each.where, rule=each.rule, field=field, advice=advice(f"rejected.{each.rule}").de)
    key = each.answer if each.answer in ("would_file", "unanswered") else "answered"
    return _say(key, where=each.where, kind=kind, id=each.id, advice=advice(each.answer).de)


def _report(path: Path, results: Iterable[Result], mapping: TableMapping) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(("Zeile", "Spalte", "Feld", "Regel", "Was zu tun ist"))
        for each in results:
            if each.answer == "refused":
                column = mapping.column_of(each.field) or ""
                told = advice(f"rejected.{each.rule}").de
                out.writerow((each.where.rpartition(" ")[2], column, each.field or "", each.rule or "", told))


def _row(row: Row) -> str:
    return _say("row", number=row.number)


def _kind(notice: Notice) -> str:
    return str(getattr(notice, "kind", ""))


def _say(key: str, **values: object) -> str:
    return _TEXTS(key, "de", **values)
