"""The README's commands, with only the binary and the ports replaced."""

import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from servers import PATIENCE

pytestmark = pytest.mark.martlet
README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def run(binary, server):
    """Starts a command of the README, with arguments appended that make it end."""
    started: list[subprocess.Popen] = []

    def run(kind: str, *more: str) -> subprocess.Popen:
        [command] = [line for line in COMMANDS if line.startswith(f".build/release/martlet {kind} ")]
        words = shlex.split(command)[1:]
        transport = "quic" if "--quic" in words else "tcp"
        port = str(server.addresses[transport][1])
        if "-p" in words:
            assert words[words.index("-p") + 1] == "14567"
            words[words.index("-p") + 1] = port
        else:
            words += ["-p", port]
        started.append(subprocess.Popen([binary, *words, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def lines_until(process: subprocess.Popen, pattern: str) -> list[str]:
    """The output of a process up to a line that matches the pattern."""
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"{pattern} is not in:\n{''.join(lines)}")


def test_first_message(run):
    subscriber = run("sub", "-C", "1", "-W", str(int(PATIENCE)))
    deadline = time.monotonic() + PATIENCE
    while subscriber.poll() is None and time.monotonic() < deadline:  # the subscriber does not say when it is ready
        assert run("pub").wait(PATIENCE) == 0
    assert subscriber.stdout.read() == "hello/world first flight\n"
    assert subscriber.wait(PATIENCE) == 0


def test_ten_deliveries_for_each_publish(run):
    """Ten subscribers and a publisher over QUIC; no message is lost."""
    subscribers = run("bench sub")
    lines_until(subscribers, r"^\r?\w+ sub total=10 rate=")
    publisher = run("bench pub", "-L", "4")
    said = publisher.communicate(timeout=PATIENCE)[0]
    assert publisher.returncode == 0, said
    assert re.search(r"\d+s connect_succ total=1 rate=", said) and re.search(r"\d+s pub total=4 rate=", said), said
    lines_until(subscribers, r"^\r?\w+ recv total=40 rate=")
    subscribers.send_signal(signal.SIGINT)
    end = subscribers.communicate(timeout=PATIENCE)[0]
    assert subscribers.returncode == 0, end
    assert re.search(r"received\s+40 ", end), end


@pytest.mark.parametrize("block", re.findall(r"```hocon\n(.*?)```", README, re.DOTALL))
def test_configuration_of_the_readme_is_right(binary, tmp_path, block):
    secret = tmp_path / "cluster-secret"
    secret.write_bytes(os.urandom(32))
    secret.chmod(0o600)
    (tmp_path / "martlet.conf").write_text(block.replace("/etc/martlet/cluster-secret", str(secret)))
    for command in (line for line in COMMANDS if line.startswith("martlet serve")):
        words = shlex.split(command)[1:]
        alone = {"--check", "--print-config"} & set(words)
        done = subprocess.run([binary, *words, *([] if alone else ["--check"])], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr


def test_table_lists_every_make_target():
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text()
    targets = {target for target in re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)} - {"help"}
    assert {target for target in re.findall(r"^\| `make ([a-z-]+)`", README, re.MULTILINE)} == targets
