"""Writes what the outside world reads of the contracts: schemas, examples, AsyncAPI, the register of processing, code lists.

`python -m shared.contracts.publish` writes into the source tree, `--check` only says what is out of date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.asyncapi import document
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.examples import record
from shared.contracts.register import code_lists, processing_register
from shared.contracts.schemas import schema

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = "docs/contracts/schemas"
EXAMPLES = "docs/contracts/examples"


class _Whole(yaml.SafeDumper):
    """Writes repeated parts out again: an alias helps no reader."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the base class's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Whole.add_representer(str, _text)


def documents() -> dict[str, str]:
    """Every published file: path below the project's root, and text."""
    events = [(topic, event) for topic in CATALOGUE for event in topic.events]
    return {
        **{f"{SCHEMAS}/{event.TYPE}.schema.json": _json(schema(topic, event)) for topic, event in events},
        **{f"{EXAMPLES}/{event.TYPE}.json": _json(record(topic, event)) for topic, event in events},
        "docs/contracts/asyncapi.yaml": yaml.dump(document(), Dumper=_Whole, allow_unicode=True, sort_keys=False, width=120),
        "docs/contracts/processing-register.md": processing_register(),
        "docs/architecture/codes.md": code_lists(),
    }


def stale(root: Path) -> list[str]:
    """The published files that are missing, differ, or belong to no event any more."""
    wanted = documents()
    differing = [path for path, text in wanted.items() if not (root / path).is_file() or (root / path).read_text("utf-8") != text]
    return sorted(differing + _orphans(root, wanted))


def write(root: Path) -> list[str]:
    """Bring the published files up to date. Returns the paths that changed or went."""
    wanted = documents()
    changed = stale(root)
    for path in changed:
        file = root / path
        if path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[path], "utf-8")
        else:
            file.unlink()
    return changed


def main(arguments: list[str]) -> int:
    """Write, or with `--check` only tell. Returns the exit status: 1 where something is out of date."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m shared.contracts.publish [--check]\n")
        return 2
    paths = stale(ROOT) if arguments else write(ROOT)
    sys.stdout.writelines(f"{'out of date' if arguments else 'written'}: {path}\n" for path in paths)
    return 1 if arguments and paths else 0


def _orphans(root: Path, wanted: dict[str, str]) -> list[str]:
    files = [file for folder in (SCHEMAS, EXAMPLES) for file in (root / folder).glob("*.json")]
    return [path for file in files if (path := file.relative_to(root).as_posix()) not in wanted]


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
