"""What the page shows, section by section: figures in, tables and charts out. Texts come from the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from markupsafe import Markup

from services.reporting.charts import bars
from services.reporting.indicators import CITY, NO_PRIMARY, Figure, OfferAnswer, OutcomeGroup, QuarterReport, SuitState
from shared.contracts.codes import ApplicationDecision, ArrearsCause, Channel, MoneyBand, Outcome
from shared.runtime.texts import Lang, Texts

TEXTS = Texts(Path(__file__).parent / "pages" / "texts.json")
TREND_QUARTERS = 8
MEASURES = ("days_to_attempt_median", "days_to_attempt_p90", "days_to_contact_median", "days_to_contact_p90")
SLACK = ("slack_at_contact_median", "slack_at_contact_p10")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns after the row's name, and rows of figures; None is a figure this report does not have."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: a chart, empty where there is nothing to draw, and the table behind it."""

    id: str
    chart: Markup
    table: Table


class Sections:
    """Builds the sections of one report in one language; `places` names the districts."""

    def __init__(self, reports: Mapping[str, QuarterReport], quarter: str, places: Mapping[str, str], lang: Lang) -> None:
        self._reports = reports
        self._quarter = quarter
        self._lang: Lang = lang
        self._figures = {q: {(f.name, f.district, f.code): f for f in report.figures} for q, report in reports.items()}
        seen = {figure.district for figure in reports[quarter].figures}
        names = {place: places.get(place, place.title()) for place in sorted(seen - {CITY, "UNKNOWN"})}
        unknown = {"UNKNOWN": self._t("place.UNKNOWN")} if "UNKNOWN" in seen else {}
        self._places = names | unknown
        self._with_city = self._places | {CITY: self._t("place.CITY")}

    def all(self) -> list[Section]:
        """All sections, in the order of the page; one that is empty says so by having no rows."""
        return [
            self.guarantee(),
            self.days(),
            self.slack(),
            self.causes(),
            *self.outcomes(),
            *self.cases(),
            *self.offers(),
            self.trend(),
        ]

    def guarantee(self) -> Section:
        """The visit guarantee by district."""
        columns = [("suits", None), *(("suit_state", code) for code in SuitState), ("visit_coverage", None)]
        rows = [(label, [self._get(name, place, code) for name, code in columns]) for place, label in self._with_city.items()]
        heads = [self._t("col.suits"), *(self._code("suit_state", code) for code in SuitState), self._t("col.visit_coverage")]
        return self._section("guarantee", heads, rows, self._by_place(["visit_coverage"], _percent))

    def days(self) -> Section:
        """Days from received to the first attempt and the first contact."""
        rows = [(label, [self._get(name, place) for name in MEASURES]) for place, label in self._with_city.items()]
        chart = self._by_place(["days_to_attempt_median", "days_to_contact_median"], _value)
        return self._section("days", [self._t(f"col.{name}") for name in MEASURES], rows, chart)

    def slack(self) -> Section:
        """Working days left to the end of the Schonfrist at the first contact."""
        rows = [(label, [self._get(name, place) for name in SLACK]) for place, label in self._with_city.items()]
        return self._section("slack", [self._t(f"col.{name}") for name in SLACK], rows, self._by_place([SLACK[0]], _value))

    def causes(self) -> Section:
        """Causes of arrears, primary and any, and how often none was named."""
        codes = self._by_count("cause_primary", [*ArrearsCause, NO_PRIMARY], "cause_any")
        names = ("cause_primary", "cause_any")
        rows = [(self._code("cause", code), [self._get(name, CITY, code) for name in names]) for code in codes]
        if rows:
            rows.append((self._t("row.assessed"), [self._get("assessed", CITY), None]))
            rows.append((self._t("row.cause_missing"), [self._get("cause_missing", CITY), None]))
        labels = [self._code("cause", code) for code in codes]
        series = [(self._t(f"col.{name}"), [_count(self._get(name, CITY, code)) for code in codes]) for name in names]
        return self._section(
            "causes", [self._t(f"col.{name}") for name in names], rows, self._chart("causes", labels, series, lying=True)
        )

    def outcomes(self) -> list[Section]:
        """How cases ended: groups by district, then the single outcomes of the city."""
        heads = [self._t("col.outcomes"), *(self._code("outcome_group", code) for code in OutcomeGroup)]
        rows = [
            (label, [self._get("outcomes", place), *(self._get("outcome_group", place, code) for code in OutcomeGroup)])
            for place, label in self._with_city.items()
        ]
        labels = [self._code("outcome_group", code) for code in OutcomeGroup]
        values = [_count(self._get("outcome_group", CITY, code)) for code in OutcomeGroup]
        groups = self._section("outcomes", heads, rows, self._chart("outcomes", labels, [(self._t("place.CITY"), values)]))
        return [groups, self._codes("outcome", Outcome)]

    def cases(self) -> list[Section]:
        """New cases by channel and by arrears."""
        return [self._codes("channel", Channel), self._codes("arrears", MoneyBand, ordered=True)]

    def offers(self) -> list[Section]:
        """What became of offers to providers and of applications."""
        offers = self._codes("offer_answer", OfferAnswer, extra=("offer_acceptance", "days_pending_median", "days_pending_p90"))
        return [offers, self._codes("ruling", ApplicationDecision)]

    def trend(self) -> Section:
        """The quarters beside each other, for the whole city. No sums over quarters."""
        names = ("suits", "visit_coverage", "days_to_attempt_median", "days_to_contact_median", SLACK[0], "outcomes")
        quarters = sorted(self._reports)[-TREND_QUARTERS:]
        rows = [
            (quarter_name(quarter), [self._figures[quarter].get((name, CITY, None)) for name in names]) for quarter in quarters
        ]
        values = [_percent(self._figures[quarter].get(("visit_coverage", CITY, None))) for quarter in quarters]
        labels = [quarter_name(quarter) for quarter in quarters]
        chart = self._chart("trend", labels, [(self._t("col.visit_coverage"), values)])
        return self._section("trend", [self._t(f"col.{name}") for name in names], rows, chart)

    def _codes(self, name: str, codes: type[StrEnum], *, extra: Sequence[str] = (), ordered: bool = False) -> Section:
        """One count by code for the city, largest first unless the codes have an order of their own."""
        kept = self._by_count(name, list(codes))
        if ordered:
            kept = [code for code in codes if code in kept]
        rows = [(self._code(name, code), [self._get(name, CITY, code)]) for code in kept]
        if rows:
            rows += [(self._t(f"col.{each}"), [self._get(each, CITY)]) for each in extra]
        labels = [self._code(name, code) for code in kept]
        values = [_count(self._get(name, CITY, code)) for code in kept]
        return self._section(
            name, [self._t("col.count")], rows, self._chart(name, labels, [(self._t("col.count"), values)], lying=True)
        )

    def _section(
        self, name: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Figure | None]]], chart: Markup
    ) -> Section:
        table = Table(self._t(f"caption.{name}"), tuple(columns), tuple((label, tuple(cells)) for label, cells in rows))
        return Section(name, chart, table)

    def _by_place(self, names: Sequence[str], read: Callable[[Figure | None], float | None]) -> Markup:
        series = [(self._t(f"col.{name}"), [read(self._get(name, place)) for place in self._with_city]) for name in names]
        return self._chart(names[0], list(self._with_city.values()), series)

    def _chart(
        self, name: str, labels: Sequence[str], series: Sequence[tuple[str, list[float | None]]], *, lying: bool = False
    ) -> Markup:
        title = f"{self._t(f'chart.{name}')}, {quarter_name(self._quarter)}" if name != "trend" else self._t("chart.trend")
        return bars(title, self._t("chart.described_by_table"), labels, series, lying=lying)

    def _by_count(self, name: str, codes: Iterable[str], other: str | None = None) -> list[str]:
        """The codes that have anything to show, largest count first; protected ones last."""

        def found(code: str) -> list[Figure]:
            figures = [self._get(each, CITY, code) for each in (name, other) if each]
            return [figure for figure in figures if figure and (figure.protected or figure.count)]

        def rank(code: str) -> tuple[int, str]:
            first = self._get(name, CITY, code)
            return -(first.count or 0) if first else 0, code

        return sorted((code for code in codes if found(code)), key=rank)

    def _get(self, name: str, place: str, code: str | None = None) -> Figure | None:
        return self._figures[self._quarter].get((name, place, code))

    def _t(self, key: str) -> str:
        return TEXTS(key, self._lang)

    def _code(self, kind: str, code: str) -> str:
        return TEXTS(f"{kind}.{code}", self._lang)


def quarter_name(quarter: str) -> str:
    """2026Q4 as people write it: 4/2026."""
    return f"{quarter[5]}/{quarter[:4]}"


def _count(figure: Figure | None) -> float | None:
    return figure.count if figure else None


def _value(figure: Figure | None) -> float | None:
    return figure.value if figure else None


def _percent(figure: Figure | None) -> float | None:
    return round(100 * figure.share, 1) if figure and figure.share is not None else None
