"""Charts as SVG inside the page: drawn here, without scripts, with title and description for those who do not see them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from uuid import uuid4
from xml.etree.ElementTree import Element, fromstring, register_namespace, tostring

import pygal
from markupsafe import Markup
from pygal import PluginImportFixer
from pygal.style import Style

SVG = "http://www.w3.org/2000/svg"
register_namespace("", SVG)
register_namespace("xlink", "http://www.w3.org/1999/xlink")

# pygal hangs an import hook of a kind Python gave up into every import of the process, for plugins we don't have.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, PluginImportFixer)]

# Each at least 4.5 : 1 against white and told apart in grey too (WCAG 1.4.3, 1.4.11).
_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#1b1f24",
    foreground_strong="#1b1f24",
    foreground_subtle="#4a5561",
    colors=("#0b4f8a", "#9a5b00", "#1b1f24", "#5b7f1f"),
    value_colors=("#1b1f24",) * 4,
    font_family="system-ui, sans-serif",
    label_font_size=14,
    major_label_font_size=14,
    value_font_size=13,
    legend_font_size=14,
    opacity="1",
    opacity_hover="1",
    transition="0s",
    guide_stroke_color="#b6bfc9",
    major_guide_stroke_color="#b6bfc9",
)

Series = tuple[str, Sequence[float | None]]


def bars(title: str, description: str, labels: Sequence[str], series: Sequence[Series], *, lying: bool = False) -> Markup:
    """A bar chart; None, a protected number, leaves a gap. Lying bars suit long labels. Empty where there is nothing to draw."""
    if not any(value for _, values in series for value in values):
        return Markup("")
    kind = pygal.HorizontalBar if lying else pygal.Bar
    height = 120 + 30 * len(labels) * len(series) if lying else 320
    chart = kind(
        style=_STYLE,
        width=900,
        height=height,
        js=[],
        disable_xml_declaration=True,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        print_values=True,
        print_values_position="top",
        print_zeroes=True,
        explicit_size=False,
        include_x_axis=True,
        truncate_label=-1,
        truncate_legend=-1,
        margin=10,
        formatter=_apart if lying else _short,
    )
    chart.x_labels = list(reversed(labels)) if lying else list(labels)
    for name, values in series:
        chart.add(name, list(reversed(values)) if lying else list(values))
    return _accessible(fromstring(chart.render()), title, description)  # noqa: S314  pygal's own output


def _short(value: float) -> str:
    return f"{value:g}"


def _apart(value: float) -> str:
    """A little away from the end of the bar that it stands beside."""
    return f"\N{EN SPACE}{value:g}"


def _accessible(svg: Element, title: str, description: str) -> Markup:
    """One image with a name and a description; what pygal adds for its scripts goes."""
    for parent in list(svg.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}script", f"{{{SVG}}}title", f"{{{SVG}}}desc"):
                parent.remove(child)
    name = f"chart-{uuid4().hex[:8]}"
    for tag, text in (("desc", description), ("title", title)):
        element = Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = text
        svg.insert(0, element)
    svg.attrib.update({"role": "img", "aria-labelledby": f"{name}-title {name}-desc"})
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704  every text in it was escaped by ElementTree
