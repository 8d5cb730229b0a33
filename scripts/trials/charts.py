"""Charts as SVG, without a library."""

import math
from dataclasses import dataclass, field

INK, PALE, GRID = "#14213d", "#5a6780", "#e6eaf0"
COLOURS = {"TCP": "#9aa5b5", "TCP + TLS": "#5f6f86", "QUIC, 1 stream": "#dda75a", "QUIC": "#2f6fb5", "QUIC, early data": "#17a398"}
STYLE = f"""<style>
.title {{ font-size: 15px; font-weight: bold; fill: {INK}; }} .panel {{ font-size: 12px; font-weight: bold; fill: {INK}; }}
.axis {{ font-size: 11px; fill: {PALE}; }} .key {{ font-size: 12px; fill: {INK}; }} .value {{ font-size: 10px; fill: {INK}; }}
</style>"""
LEFT, TOP, GAP, HEIGHT = 62, 96, 58, 210
WIDE, NARROW = 560, 330  # of one panel, of one beside another


def colour(label: str) -> str:
    return COLOURS.get(label) or COLOURS["QUIC"]


@dataclass
class Panel:
    """One plot: a value for each series at each place of the x axis, or none."""

    title: str
    places: list[str]
    series: dict[str, list[float | None]]
    x: str = ""
    y: str = ""
    logarithmic: bool = False
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # a curve over a numeric x axis instead
    width: int = NARROW
    scale: list[float] = field(default_factory=list)  # what the y axis spans, that of all panels of a chart

    @property
    def values(self) -> list[float]:
        rows = [[value for _, value in row] for row in self.points.values()] or self.series.values()
        return [value for row in rows for value in row if value is not None]


def nice(most: float) -> float:
    """The next round number that is not less than a value."""
    step = 10 ** math.floor(math.log10(max(most, 1e-9)))
    return next(step * factor for factor in (1, 2, 4, 6, 8, 10) if step * factor >= most * 0.999)


def number(value: float) -> str:
    if value >= 1000:
        return f"{value / 1000:.3g}k"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def text(x: float, y: float, said: str, kind: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{more}>{said}</text>'


class Scale:
    """A function from values to positions between two ends."""

    def __init__(self, values: list[float], low: float, high: float, logarithmic: bool):
        self.low, self.high, self.logarithmic = low, high, logarithmic
        if logarithmic:
            self.least = 10 ** math.floor(math.log10(max(min(values), 1e-3)))
            self.most = 10 ** math.ceil(math.log10(max(max(values), self.least * 10)) - 1e-9)
            decades = round(math.log10(self.most / self.least))
            self.ticks = [self.least * 10**step for step in range(decades + 1)]
        else:
            self.least, self.most = 0.0, nice(max(values))
            self.ticks = [self.most * step / 4 for step in range(5)]

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            share = math.log(max(value, self.least) / self.least) / math.log(self.most / self.least)
        else:
            share = value / self.most
        return self.low + (self.high - self.low) * share


def bars(panel: Panel, x: float, y: float) -> list[str]:
    scale = Scale(panel.scale, 0, HEIGHT, panel.logarithmic)
    out = frame(panel, scale, x, y)
    group = panel.width / len(panel.places)
    width = min(26.0, (group - 14) / len(panel.series))
    for place, name in enumerate(panel.places):
        middle = x + group * (place + 0.5)
        out.append(text(middle, y + HEIGHT + 18, name, "axis"))
        for index, (label, row) in enumerate(panel.series.items()):
            left = middle + (index - len(panel.series) / 2) * width
            if row[place] is None:
                out.append(text(left + width / 2, y + HEIGHT - 4, "–", "value"))
                continue
            height = max(1.5, scale(row[place]))
            out.append(f'<rect x="{left + 1:.1f}" y="{y + HEIGHT - height:.1f}" width="{width - 2:.1f}" height="{height:.1f}" rx="1.5" fill="{colour(label)}"/>')
            out.append(text(left + width / 2, y + HEIGHT - height - 4, number(row[place]), "value"))
    return out


def curves(panel: Panel, x: float, y: float) -> list[str]:
    scale = Scale(panel.scale, 0, HEIGHT, panel.logarithmic)
    across = Scale([at for row in panel.points.values() for at, _ in row], 0, panel.width, False)
    out = frame(panel, scale, x, y)
    for tick in across.ticks:
        out.append(text(x + across(tick), y + HEIGHT + 18, number(tick), "axis"))
    for index, (label, row) in enumerate(panel.points.items()):
        width = 2.5 + 1.5 * (len(panel.points) - 1 - index)  # so that one line does not hide another
        path = " ".join(f"{x + across(at):.1f},{y + HEIGHT - scale(value):.1f}" for at, value in row)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour(label)}" stroke-width="{width}" stroke-linejoin="round"/>')
    return out


def frame(panel: Panel, scale: Scale, x: float, y: float) -> list[str]:
    out = [text(x, y - 12, panel.title, "panel", "start")]
    for tick in scale.ticks:
        at = y + HEIGHT - scale(tick)
        out.append(f'<line x1="{x}" y1="{at:.1f}" x2="{x + panel.width}" y2="{at:.1f}" stroke="{GRID}"/>')
        out.append(text(x - 7, at + 4, number(tick), "axis", "end"))
    out.append(text(x + panel.width / 2, y + HEIGHT + 36, panel.x, "axis"))
    if panel.y:
        out.append(text(x - 44, y + HEIGHT / 2, panel.y, "axis", more=f' transform="rotate(-90 {x - 44:.1f} {y + HEIGHT / 2:.1f})"'))
    return out


def chart(title: str, panels: list[Panel], columns: int = 2) -> str:
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    width = WIDE if columns == 1 else NARROW
    total = LEFT + columns * width + (columns - 1) * GAP + 24
    height = TOP + rows * HEIGHT + (rows - 1) * 90 + 52
    body, labels = [], []
    for index, panel in enumerate(panels):
        panel.width = width
        panel.scale = [value for other in panels for value in other.values]
        x = LEFT + (index % columns) * (width + GAP)
        y = TOP + (index // columns) * (HEIGHT + 90)
        body += curves(panel, x, y) if panel.points else bars(panel, x, y)
        labels += [label for label in panel.points or panel.series if label not in labels]
    key, at = [], LEFT
    for label in labels:
        key.append(f'<rect x="{at}" y="46" width="12" height="12" rx="2" fill="{colour(label)}"/>' + text(at + 18, 56, label, "key", "start"))
        at += 36 + 7 * len(label)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(total, at)} {height}" font-family="'DejaVu Sans', Helvetica, Arial, sans-serif">
{STYLE}
<rect width="{max(total, at)}" height="{height}" rx="12" fill="#ffffff"/>
{text(LEFT, 30, title, "title", "start")}
{chr(10).join(key + body)}
</svg>
"""
