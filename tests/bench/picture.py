"""The ratios as bars, in an SVG file. A bar that is as long as its yardstick ends at the line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from jinja2 import Environment

from tests.bench.figures import Figure, number, ordered, ratio

LONGEST = 8.0
"""The ratio at which a bar is cut. Its number still tells the whole."""

TEMPLATE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """\
<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{{ lines | length * 20 + 20 }}"
  font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
{% for line in lines %}
{% set y = loop.index * 20 %}
{% if line.section %}
<text x="10" y="{{ y }}" font-weight="bold">{{ line.section }}</text>
{% else %}
<text x="20" y="{{ y }}">{{ line.name }}</text>
<text x="420" y="{{ y }}" text-anchor="end">{{ line.value }}</text>
{% if line.ratio %}
<rect x="430" y="{{ y - 11 }}" width="{{ (line.ratio, longest) | min * 60 }}" height="13" fill="#4477aa"/>
<line x1="490" x2="490" y1="{{ y - 13 }}" y2="{{ y + 4 }}" stroke="#222"/>
<text x="{{ 436 + (line.ratio, longest) | min * 60 }}" y="{{ y }}">x{{ "%.2f" % line.ratio }}</text>
{% endif %}
{% endif %}
{% endfor %}
</svg>
"""
)


def svg(figures: Sequence[Figure]) -> str:
    lines = []
    for section, of_section in groupby(ordered(figures), key=lambda figure: figure.section):
        lines.append({"section": section})
        for figure in of_section:
            named = {"name": figure.name, "value": number(figure.value)}
            lines.append(named | {"ratio": ratio(figure, figures) or ""})
    return TEMPLATE.render(lines=lines, longest=LONGEST)
