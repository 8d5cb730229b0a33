"""The tables of the check: how big the rooms are, and which statements of the standard are cited and tested."""

import re
import statistics
from collections.abc import Iterator

from .rules import STATEMENT
from .tree import File, Tree


def sizes(tree: Tree) -> Iterator[str]:
    rooms: dict[str, list[File]] = {}
    for file in tree.swift():
        rooms.setdefault(f"{file.path.split('/')[0]}/{file.room}", []).append(file)
    yield f"{'lines of Swift':<32}{'files':>6}{'lines':>8}{'median':>8}{'p90':>6}{'largest':>9}"
    everything = [file for files in rooms.values() for file in files]
    for room, files in [*sorted(rooms.items()), ("all", everything)]:
        counts = sorted(len(file.lines) for file in files) or [0]
        p90 = counts[min(len(counts) - 1, len(counts) * 9 // 10)]
        largest = max(files, key=lambda file: len(file.lines), default=None)
        name = largest.path.rsplit("/", 1)[-1] if largest else ""
        yield f"{room:<32}{len(files):>6}{sum(counts):>8}{statistics.median(counts):>8.0f}{p90:>6}{counts[-1]:>9}  {name}"


def statements(tree: Tree, *folders: str) -> set[str]:
    """Statements of MQTT 5.0 (`[MQTT-3.1.4-2]`) that the files of some folders cite."""
    return {found for file in tree.files if file.is_under(*folders) for found in re.findall(STATEMENT, file.text)}


def coverage(tree: Tree, listed: bool) -> Iterator[str]:
    cited, tested = statements(tree, "Sources"), statements(tree, "Tests")
    untested = sorted(cited - tested, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    yield f"statements of MQTT 5.0: {len(cited)} cited in Sources, {len(tested)} in Tests, {len(untested)} cited and in no test" + (
        "" if listed or not untested else " (scripts/check --statements lists them)"
    )
    if listed:
        yield from (f"  {name}" for name in untested)
