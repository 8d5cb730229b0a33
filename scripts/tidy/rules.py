"""The rules. Each one stands beside a canary: a tree in which it must find something, so that a rule that has gone
blind fails the check as a broken rule does."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from .tree import Finding, Tree

# The drawing in ARCHITECTURE.md as a table: a room may import the rooms on its right, and no other.
ARROWS: dict[str, set[str]] = {
    "Secrets": set(),
    "MQTTCodec": {"Secrets"},
    "MQTTBroker": {"MQTTCodec", "Secrets"},
    "QUICTransport": {"CNgtcp2", "CDatagrams", "CNIOBoringSSL", "Secrets"},
    "MQTTClient": {"MQTTCodec", "QUICTransport", "Secrets"},
    "BrokerServer": {"BrokerCluster", "MQTTCodec", "MQTTBroker", "QUICTransport", "Secrets"},
    "BrokerAccess": {"MQTTCodec", "MQTTBroker", "Secrets"},
    "BrokerStorage": set(),
    "BrokerAdmin": {"BrokerCluster", "MQTTBroker", "Secrets"},
    "BrokerCluster": {"NATSClient", "Secrets"},
    "NATSClient": {"Secrets"},
    "BrokerConfiguration": {"Secrets"},
    "LoadGenerator": {"MQTTCodec", "MQTTClient", "QUICTransport", "Secrets"},
    "martlet": {
        "BrokerServer", "BrokerAccess", "BrokerAdmin", "BrokerCluster", "BrokerConfiguration", "BrokerStorage", "LoadGenerator", "MQTTClient",
        "MQTTBroker", "MQTTCodec", "NATSClient", "QUICTransport", "Secrets",
    },
    "LinkEmulator": set(),
    "martlet-link": {"LinkEmulator", "CTunnel"},
    "CNgtcp2": set(),
    "CDatagrams": set(),
    "CTunnel": set(),
}
# What else the rooms, and folders of rooms, without IO may see.
PURE: dict[str, set[str]] = {
    "MQTTCodec": {"NIOCore"},
    "MQTTBroker": {"NIOCore", "DequeModule", "HeapModule", "Synchronization"},
    "LinkEmulator": {"DequeModule", "HeapModule"},
    "QUICTransport/Relay": set(),
    "NATSClient/Wire": {"NIOCore"},
    "NATSClient/Connection": {"NIOCore", "HeapModule", "Foundation"},
    "NATSClient/Credentials": {"Crypto", "Foundation"},
    "NATSClient/JetStream": {"NIOCore", "Foundation"},
}
# Modules that only some folders import.
OWNERS: dict[str, tuple[str, ...]] = {
    "CNgtcp2": ("Sources/QUICTransport/Engine",),
    "CNIOBoringSSL": ("Sources/QUICTransport/Protection",),
    "CDatagrams": ("Sources/QUICTransport",),
    "ArgumentParser": ("Sources/martlet", "Sources/martlet-link"),
    "Configuration": ("Sources/BrokerConfiguration", "Sources/martlet"),
    "NIOSSL": ("Sources/BrokerServer/Listeners", "Sources/MQTTClient", "Sources/NATSClient/Shell"),
    "CTunnel": ("Sources/martlet-link",),
    "GRDB": ("Sources/BrokerStorage",),
    "Hummingbird": ("Sources/BrokerAdmin",),
}
# Folders of a room's tests that hold no tests of one source file: helpers, whole brokers in one thread, a fuzzer's finds.
BESIDE_TESTS = ("Kit", "Simulation", "Corpus")
TESTS_OF_MANY = ("CeilingsTests",)  # tests of several rooms together
UNCHECKED = ("Sources/QUICTransport/Engine",)  # where @unchecked Sendable and nonisolated(unsafe) may stand

LINES_MOST = 800
LINES_MANY = 500
FUNCTION_LINES_MANY = 100

STATEMENT = r"MQTT-\d+\.\d+\.\d+-\d+"
IMPORT = r"^\s*(?:@\w+(?:\(\w+\))?\s+)*(?:(internal|package|public|private|fileprivate)\s+)?import\s+(?:(?:struct|class|enum|func|protocol|typealias|var|let)\s+)?(\w+)"

Check = Callable[[Tree], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    name: str
    check: Check
    canaries: list[dict[str, str]]


RULES: list[Rule] = []


def rule(*canaries: dict[str, str]):
    """Registers a rule with the trees that must make it speak."""

    def register(check: Check) -> Check:
        RULES.append(Rule(check.__name__.replace("_", " "), check, list(canaries)))
        return check

    return register


@rule(
    {"Sources/MQTTCodec/A.swift": "import MQTTBroker"},
    {"Sources/BrokerServer/A.swift": "package import BrokerAccess"},
    {"Sources/QUICTransport/A.swift": "@testable import MQTTCodec"},
    {"Sources/Attic/A.swift": "import NIOCore"},
)
def arrows_point_down(tree: Tree) -> Iterator[Finding]:
    for file in tree.swift("Sources"):
        if file.room not in ARROWS:
            yield Finding(file.path, 1, f"{file.room} is no room of scripts/tidy/rules.py")
            continue
        for line, match in file.matches(IMPORT):
            module = match[2]
            if module in ARROWS and module != file.room and module not in ARROWS[file.room]:
                yield Finding(file.path, line, f"{file.room} must not import {module}: arrows point down, siblings never meet")


@rule(
    {"Sources/MQTTCodec/A.swift": "import Foundation"},
    {"Sources/MQTTBroker/A.swift": "internal import NIOPosix"},
    {"Sources/NATSClient/Wire/A.swift": "import NIOPosix"},
)
def core_imports_no_IO(tree: Tree) -> Iterator[Finding]:
    for folder, others in PURE.items():
        for file in tree.swift(f"Sources/{folder}"):
            for line, match in file.matches(IMPORT):
                if match[2] not in others | ARROWS[file.room]:
                    yield Finding(file.path, line, f"{folder} does no IO and must not import {match[2]}")


@rule(
    {"Sources/MQTTBroker/A.swift": "func a() async {}"},
    {"Sources/MQTTBroker/A.swift": "let a = await b"},
    {"Sources/MQTTCodec/A.swift": "Task { }"},
    {"Sources/MQTTBroker/A.swift": "let a = NIODeadline.now()"},
    {"Sources/MQTTBroker/A.swift": "let a: Duration.Instant = .now"},
    {"Sources/MQTTBroker/A.swift": "let a = Date()"},
)
def core_has_no_clock_and_no_task(tree: Tree) -> Iterator[Finding]:
    for file in tree.swift(*(f"Sources/{folder}" for folder in PURE)):
        for line, match in file.matches(r"\b(?:async|await|Task|Date\(\)|ContinuousClock|SuspendingClock|SystemRandomNumberGenerator)(?!\w)|\.now\(\)|(?:\b[A-Z]\w*|(?<![\w)\]?]))\.now\b"):
            yield Finding(file.path, line, f"{match[0]}: instants and randomness are given to {file.room}, and nothing waits in it")


@rule(
    {"Sources/QUICTransport/A.swift": "internal import CNgtcp2"},
    {"Sources/QUICTransport/Engine/A.swift": "import CNgtcp2"},
    {"Sources/BrokerServer/A.swift": "import ArgumentParser"},
)
def modules_stay_with_their_owner(tree: Tree) -> Iterator[Finding]:
    for file in tree.swift("Sources"):
        for line, match in file.matches(IMPORT):
            access, module = match[1], match[2]
            if not file.is_under(*OWNERS.get(module, ("Sources",))):
                yield Finding(file.path, line, f"{module} is imported in {' and '.join(OWNERS[module])} only")
            elif module == "CNgtcp2" and access != "internal":
                yield Finding(file.path, line, "write internal import CNgtcp2: no C type leaves the folder")


@rule(
    {"Sources/BrokerServer/A.swift": "final class A: @unchecked Sendable {}"},
    {"Sources/martlet/A.swift": "nonisolated(unsafe) var a = 1"},
)
def threads_are_checked(tree: Tree) -> Iterator[Finding]:
    for file in tree.swift("Sources"):
        if not file.is_under(*UNCHECKED):
            for line, match in file.matches(r"@unchecked\s+Sendable|nonisolated\(unsafe\)"):
                yield Finding(file.path, line, f"{match[0]} outside {', '.join(UNCHECKED)}")


@rule(
    {"Sources/MQTTCodec/A.swift": 'func a() { fatalError("peer") }'},
    {"Sources/MQTTCodec/A.swift": "try! a()"},
    {"Sources/MQTTCodec/A.swift": "let a = b as! C"},
    {"Sources/MQTTBroker/A.swift": 'print("here")'},
    {"Sources/MQTTCodec/A.swift": "public struct A {}"},
    {"Sources/MQTTCodec/A.swift": 'logger.info("client \\(id)")'},
)
def words_that_no_source_says(tree: Tree) -> Iterator[Finding]:
    forbidden = [
        (r"\bfatalError\(", "a mistake of a peer ends its connection, a mistake of ours is an assert"),
        (r"\btry!", "handle the error"),
        (r"\bas!", "handle the other type"),
        (r"^\s*(?:\w+\s+)*public\s+(?!import)", "what targets share is `package`"),
    ]
    for file in tree.swift("Sources"):
        for pattern, instead in forbidden + ([(r"(?<![.\w])(?:debugPrint|print)\(", "libraries log")] if file.room != "martlet" else []):
            for line, match in file.matches(pattern):
                yield Finding(file.path, line, f"{match[0].strip()}: {instead}")
        for line, _ in file.matches(r'\blogger\.\w+\("[^"]*\\\(', file.lines):
            yield Finding(file.path, line, "a log message is constant text; what varies is metadata")


SECRET_NAME = r"(?i:\w*(?:password|passphrase|privatekey|secrets?)|hash|digest|salt)"
OPEN_TYPE = r"(?:String|Data|ByteBuffer|\[UInt8\]|\[\w+: *(?:String|\[UInt8\])\])\?*"


@rule(
    {"Sources/MQTTCodec/A.swift": "struct A {\n    var password: ByteBuffer?\n}"},
    {"Sources/BrokerServer/A.swift": "package struct A: Sendable {\n    package let privateKey: [UInt8]\n}"},
    {"Sources/martlet/A.swift": "struct A {\n    private let nodeSecrets: [Int: [UInt8]]\n}"},
)
def secrets_are_never_shown(tree: Tree) -> Iterator[Finding]:
    """A stored property that is named like a secret is hidden from descriptions, by itself or with its whole type."""
    for file in tree.swift("Sources"):
        for line, match in file.matches(rf"^(\s+)(?:[\w()]+ )*(?:let|var) {SECRET_NAME}: {OPEN_TYPE}(?:$| =)"):
            above = [code for code in file.code[: line - 1] if code.strip() and len(code) - len(code.lstrip()) < len(match[1])]
            holder = re.search(r"\b(?:struct|class|enum|actor|extension)\b(.*)", above[-1]) if above else None
            if holder and "SecretValue" not in holder[1]:
                yield Finding(file.path, line, "a secret: write @Secret, or let the type be a SecretValue")


@rule(
    {"Sources/MQTTCodec/A.swift": "// TO" + "DO: later"},
    {"docs/a.md": "FIX" + "ME"},
    {"Tests/MQTTCodecTests/A.swift": "@Test(.dis" + "abled())"},
)
def nothing_left_over(tree: Tree) -> Iterator[Finding]:
    marker = r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|\.dis" + r"abled\(|XCT" + r"Skip"
    for file in tree.files:
        for line, match in file.matches(marker, file.lines):
            yield Finding(file.path, line, f"{match[0]} is left over: do it or write it into an issue")


@rule(
    {"Tests/AtticTests/ATests.swift": "@Test func a() {}"},
    {"Sources/MQTTCodec/Wire/A.swift": "enum A {}", "Tests/MQTTCodecTests/Cellar/BTests.swift": "@Test func b() {}"},
    {"Sources/MQTTCodec/Wire/A.swift": "enum A {}", "Tests/MQTTCodecTests/BTests.swift": "@Test func b() {}"},
    {
        "Sources/MQTTCodec/Wire/A.swift": "enum A {}",
        "Sources/MQTTCodec/Packets/B.swift": "enum B {}",
        "Tests/MQTTCodecTests/Packets/ATests.swift": "@Test func a() {}",
    },
    {"Sources/MQTTCodec/A.swift": "enum A {}", "Tests/MQTTCodecTests/A.swift": "@Test func a() {}"},
    {"Sources/MQTTCodec/A.swift": "enum A {}", "Tests/MQTTCodecTests/ATests.swift": "enum Helper {}"},
    {"Sources/MQTTCodec/A.swift": "enum A {}", "Tests/MQTTCodecTests/Helper.swift": "enum Helper {}"},
    {"Tests/MQTTCodecTests/ATests.swift": "@Test func a() {}", "Tests/MQTTBrokerTests/ATests.swift": "@Test func a() {}"},
)
def tests_stand_where_their_sources_do(tree: Tree) -> Iterator[Finding]:
    sources: dict[str, list[PurePosixPath]] = {}
    for file in tree.swift("Sources"):
        sources.setdefault(file.room, []).append(PurePosixPath(file.path).relative_to(f"Sources/{file.room}"))
    earlier: dict[str, str] = {}
    for file in tree.swift("Tests"):
        path = PurePosixPath(file.path)
        room, inner = file.room.removesuffix("Tests"), path.relative_to(f"Tests/{file.room}")
        is_beside = file.room in TESTS_OF_MANY or inner.parts[0] in BESIDE_TESTS
        has_tests = any(file.matches(r"@Test\b"))
        if has_tests != path.name.endswith("Tests.swift"):
            yield Finding(file.path, 1, "files with tests are called …Tests.swift, and no others are")
        if not has_tests:
            if room != file.room and not is_beside:
                yield Finding(file.path, 1, "what helps tests stands in Kit")
            continue
        if other := earlier.get(path.name):
            yield Finding(file.path, 1, f"{other} is called the same")
        earlier[path.name] = file.path
        if is_beside:
            continue
        if inner.parent not in {source.parent for source in sources.get(room, [])}:
            yield Finding(file.path, 1, f"no folder {PurePosixPath('Sources', room, inner.parent)} has sources")
        subject = path.name.removesuffix("Tests.swift")
        homes = [source.parent for source in sources.get(room, []) if source.stem == subject]
        if homes and inner.parent not in homes:
            yield Finding(file.path, 1, f"{subject}.swift stands in {PurePosixPath('Sources', room, homes[0])}")


@rule({"README.md": "see /home" + "/me/notes"}, {"Makefile": "PATH := /work" + "/main"})
def no_path_of_one_machine(tree: Tree) -> Iterator[Finding]:
    pattern = r"(?<![\w.])/(?:home/\w|root/|Users/\w|work/\w|opt/swift)"
    for file in tree.files:
        for line, match in file.matches(pattern, file.lines):
            yield Finding(file.path, line, f"{match[0]}…: a path of one machine")


@rule(
    {"Sources/MQTTCodec/A.swift": "let a = 1\n" * (LINES_MOST + 1)},
    {"Sources/MQTTCodec/A.swift": "let a = 1\n" * (LINES_MANY + 1)},
    {"Sources/MQTTCodec/A.swift": "func a() {\n" + "    b()\n" * FUNCTION_LINES_MANY + "}\n"},
)
def sizes_stay_small(tree: Tree) -> Iterator[Finding]:
    for file in tree.swift():
        count = len(file.lines)
        if count > LINES_MOST and not re.match(r"// Long because \w", file.text):
            yield Finding(file.path, 1, f"{count} lines, over {LINES_MOST}; split it, or begin it with `// Long because …`")
        elif count > LINES_MANY:
            yield Finding(file.path, 1, f"{count} lines, over {LINES_MANY}", is_warning=True)
        for line, length in functions(file.code):
            if length > FUNCTION_LINES_MANY:
                yield Finding(file.path, line, f"a function of {length} lines, over {FUNCTION_LINES_MANY}", is_warning=True)


def functions(code: list[str]) -> Iterator[tuple[int, int]]:
    """(first line, number of lines) of each function, by its indentation, which swift format guarantees."""
    for start, line in enumerate(code):
        match = re.match(r"(\s*)(?:@?[\w()]+\s+)*(?:func\s|init[?<(])", line)
        if not match:
            continue
        end = next((n for n in range(start + 1, len(code)) if re.match(match[1] + r"\}", code[n])), None)
        if end is not None and "{" in "".join(code[start:end]):
            yield start + 1, end - start + 1


@rule(
    {"Sources/MQTTCodec/A.swift": "// nothing\nimport NIOCore\n"},
    {"Sources/MQTTCodec/A.swift": "enum A {}", "Package.swift": 'name: "Other"'},
    {"scripts/forgotten": "#!/bin/sh", "Makefile": "run:"},
    {"docs/forgotten.md": "# Forgotten", "README.md": "# Martlet"},
)
def no_dead_file(tree: Tree) -> Iterator[Finding]:
    manifest = tree.file("Package.swift")
    for file in tree.swift():
        if not any(line.strip() and not re.match(IMPORT, line) for line in file.code):
            yield Finding(file.path, 1, "declares nothing")
        if manifest and not re.search(rf'["/]{file.room}"', manifest.text):
            yield Finding(file.path, 1, f"no target of Package.swift holds {file.room}")
    for file in tree.files:
        name = PurePosixPath(file.path).name
        if file.is_under("scripts", "docs") and not any(
            re.search(rf"(?<![\w-]){re.escape(PurePosixPath(name).stem)}(?![\w-])", other.text) for other in tree.files if other is not file
        ):
            yield Finding(file.path, 1, "nothing mentions this file")


@rule(
    {"README.md": "[there](docs/nowhere.md)"},
    {"README.md": "[there](#nothing)\n# Something"},
    {"README.md": "![drawing](docs/nowhere.svg)"},
)
def links_point_somewhere(tree: Tree) -> Iterator[Finding]:
    paths = {f.path for f in tree.files}
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    for file in (f for f in tree.files if f.path.endswith(".md")):
        fenced = False
        for number, line in enumerate(file.lines, 1):
            fenced ^= line.lstrip().startswith("```")
            for target in [] if fenced else re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                there = normal(PurePosixPath(file.path).parent / path) if path else file.path
                if there not in paths and there not in folders:
                    yield Finding(file.path, number, f"{target} points nowhere")
                elif anchor and there.endswith(".md") and anchor not in anchors(tree.file(there).lines):
                    yield Finding(file.path, number, f"{there} has no heading #{anchor}")


def normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def anchors(lines: list[str]) -> set[str]:
    headings = (re.sub(r"[`*]", "", line.lstrip("#").strip()) for line in lines if re.match(r"#+ ", line))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
