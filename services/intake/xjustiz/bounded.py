"""XML from outside to a tree, within limits: no document type, so no entities at all; bounded in size, depth and length.

lxml (libxml2) reads it because it validates against XML Schema, too. Its own protections stay on; ours bite first, while
the parser is still reading.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

from lxml import etree

from shared.messaging.model import Rejected

MAX_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 60
MAX_ELEMENTS: Final = 50_000
MAX_TEXT: Final = 20_000
MAX_ATTRIBUTES: Final = 50
NAMESPACE: Final = "http://www.xjustiz.de"
_SCHEMAS: Final = Path(__file__).parent / "xsd"
_HINTS: Final = {
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")
}
"""A validator would open what these name; they are dropped."""

Element: TypeAlias = Any
"""An element of lxml, which ships no types."""


class _Bounded:
    """A parser target that builds the tree, and ends the parsing at the first limit."""

    def __init__(self) -> None:
        self._builder = etree.TreeBuilder()
        self._depth = self._elements = self._text = 0
        self._refused: Rejected | None = None

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        self._refuse("document_type")

    def start(self, tag: str, attributes: dict[str, str], namespaces: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        self._text = 0
        if self._depth > MAX_DEPTH:
            self._refuse("too_deep")
        if self._elements > MAX_ELEMENTS:
            self._refuse("too_many_elements")
        if len(attributes) > MAX_ATTRIBUTES or len(namespaces) > MAX_ATTRIBUTES:
            self._refuse("too_many_attributes")
        if any(len(value) > MAX_TEXT for value in attributes.values()):
            self._refuse("text_too_long")
        kept = {name: value for name, value in attributes.items() if name not in _HINTS}
        self._builder.start(tag, kept, {prefix or None: uri for prefix, uri in namespaces.items()})

    def data(self, text: str) -> None:
        self._text += len(text)
        if self._text > MAX_TEXT:
            self._refuse("text_too_long")
        self._builder.data(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._text = 0
        self._builder.end(tag)

    def close(self) -> Element:
        """Called after a refusal, too, and what it raises is what the caller sees."""
        if self._refused is not None:
            raise self._refused
        root: Element = self._builder.close()
        return root

    def _refuse(self, rule: str) -> NoReturn:
        self._refused = Rejected(None, rule)
        raise self._refused


def parse(document: bytes) -> Element:
    """The root of an XJustiz message. Comments and processing instructions are left out.

    Raises:
        Rejected: `too_large`, `document_type`, `too_deep`, `too_many_elements`, `too_many_attributes`, `text_too_long`,
            `not_xml` or `not_xjustiz`.
    """
    if len(document) > MAX_BYTES:
        raise Rejected(None, "too_large")
    parser = etree.XMLParser(
        target=_Bounded(), resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root: Element = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise Rejected(None, "not_xml") from error
    name = etree.QName(root)
    if name.namespace != NAMESPACE or not name.localname.startswith("nachricht."):
        raise Rejected(None, "not_xjustiz")
    return root


def validate(root: Element, version: str) -> bool:
    """Whether there was a schema to validate with.

    Raises:
        Rejected: `schema`, with the path of the first element that breaks it, by names alone.
    """
    folder = next((each for each in _SCHEMAS.iterdir() if each.is_dir() and each.name == version), None)
    if folder is None:
        return False
    schema, names = _schema(folder)
    if not schema.validate(root):
        raise Rejected(_path(schema.error_log[0].path, names), "schema")
    return True


@cache
def _schema(folder: Path) -> tuple[etree.XMLSchema, frozenset[str]]:
    """The schema of the general messages, and the names it knows."""
    (entry,) = folder.glob("xjustiz_0005_nachrichten_*.xsd")
    names = {name for file in folder.glob("*.xsd") for name in etree.parse(file).xpath("//@name")}
    return etree.XMLSchema(etree.parse(entry)), frozenset(map(str, names))


def _path(xpath: str | None, names: frozenset[str]) -> str | None:
    """`/tns:a/tns:b[2]` as `b`, below the root and by names of the schema alone: one the sender made up may say anything."""
    steps = [step.rpartition(":")[2].partition("[")[0] for step in (xpath or "").split("/")[2:]]
    return ".".join(step for step in steps if step in names) or None
