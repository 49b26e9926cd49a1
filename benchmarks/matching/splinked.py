"""The same task done by splink on DuckDB, untuned: its own comparisons for these kinds of fields, its own training."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import pandas as pd
import splink.comparison_library as library
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI

from benchmarks.matching.data import Pair, Task, pair
from services.intake.likeness import Record

_RULES = (
    ("postcode",),
    ("street",),
    ("family_name", "given_name"),
    ("family_name", "number"),
    ("given_name", "number"),
    ("birth_date",),
)
"""Wide, so that splink misses little: on some thousand records everybody of one postcode, street or birthday can be compared."""


def scored(task: Task, *, birth_date: bool) -> tuple[Mapping[Pair, float], float]:
    """The match weight in bits of each pair that splink compared, and the seconds of all cores that its prediction took."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI()
    tables = [api.register(_table(records, birth_date=birth_date)) for records in task.lists]
    linker = Linker(tables, _settings(len(tables), birth_date=birth_date), log_level=None)
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("family_name", "given_name"), block_on("street", "number", "postcode")], recall=0.7
    )
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (("family_name", "given_name"), ("street", "number")):
        training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    started = time.process_time()
    predicted = linker.inference.predict().as_pandas_dataframe()
    seconds = time.process_time() - started
    rows = zip(predicted["unique_id_l"], predicted["unique_id_r"], predicted["match_weight"], strict=True)
    return {pair(a, b): float(weight) for a, b, weight in rows}, seconds


def _table(records: Mapping[str, Record], *, birth_date: bool) -> pd.DataFrame:
    table = pd.DataFrame(list(records.values()), columns=Record._fields).replace("", None)
    table.insert(0, "unique_id", list(records))
    return table if birth_date else table.drop(columns="birth_date")


def _settings(tables: int, *, birth_date: bool) -> SettingsCreator:
    comparisons: list[Any] = [
        library.NameComparison("family_name"),
        library.NameComparison("given_name"),
        library.JaroWinklerAtThresholds("street"),
        library.LevenshteinAtThresholds("number"),
        library.JaroWinklerAtThresholds("addition"),
        library.LevenshteinAtThresholds("postcode"),
        library.JaroWinklerAtThresholds("place"),
    ]
    if birth_date:
        comparisons.append(library.DateOfBirthComparison("birth_date", input_is_string=True, datetime_format="%Y%m%d"))
    return SettingsCreator(
        link_type="dedupe_only" if tables == 1 else "link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in _RULES if birth_date or rule != ("birth_date",)],
    )
