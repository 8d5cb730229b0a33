"""The repository as text: what git knows or would add, by path."""

import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

TEXT = {".swift", ".h", ".c", ".md", ".py", ".sh", ".modulemap", ".toml", ".txt", ".conf", ".yaml", ".yml", ".json", ".svg", ""}


@dataclass(frozen=True)
class Finding:
    """Something to mend at a place. A warning is shown, an error fails the check."""

    path: str
    line: int
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'warning' if self.is_warning else 'error'}: {self.message}"


@dataclass
class File:
    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def code(self) -> list[str]:
        """The lines of a Swift file with comments and the contents of string literals blanked out."""
        return blank(self.text).splitlines()

    @property
    def room(self) -> str:
        """The folder under Sources, Tests or Fuzz."""
        parts = self.path.split("/")
        return parts[1] if len(parts) > 2 else ""

    def is_under(self, *folders: str) -> bool:
        return any(self.path.startswith(folder + "/") for folder in folders)

    def matches(self, pattern: str, lines: list[str] | None = None):
        """(line number, match) of every match in the given lines, by default the code."""
        for number, line in enumerate(self.code if lines is None else lines, 1):
            for match in re.finditer(pattern, line):
                yield number, match


@dataclass
class Tree:
    files: list[File] = field(default_factory=list)

    @classmethod
    def of_repository(cls, root: Path) -> "Tree":
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout.split("\0")
        files = []
        for path in sorted(set(filter(None, listed))):
            full = root / path
            if full.suffix in TEXT and full.is_file():
                files.append(File(path, full.read_text(errors="replace")))
        return cls(files)

    @classmethod
    def of_texts(cls, texts: dict[str, str]) -> "Tree":
        return cls([File(path, text) for path, text in texts.items()])

    def swift(self, *folders: str) -> list[File]:
        return [f for f in self.files if f.path.endswith(".swift") and f.is_under(*(folders or ("Sources", "Tests", "Fuzz")))]

    def file(self, path: str) -> File | None:
        return next((f for f in self.files if f.path == path), None)


SWIFT_TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* )
  | (?P<block>   /\*.*?\*/ )
  | (?P<raw>     (?P<hashes>\#+)"(?:"")?.*?(?:"")?"(?P=hashes) )
  | (?P<long>    \"\"\".*?\"\"\" )
  | (?P<string>  "(?:\\.|[^"\\\n])*" )
    """,
    re.VERBOSE | re.DOTALL,
)


def blank(text: str) -> str:
    """Swift without what is said in comments and strings; every line keeps its number."""

    def hide(match: re.Match[str]) -> str:
        newlines = "\n" * match.group().count("\n")
        return newlines if match.lastgroup in ("comment", "block") else f'"{newlines}"'

    return SWIFT_TOKEN.sub(hide, text)
