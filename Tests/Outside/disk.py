"""Disks that are full, fail or are slow, for a broker under test."""

import os
import subprocess
from pathlib import Path

SHIM = Path(__file__).with_name("faulty_disk.c")


class FaultyDisk:
    """What makes the disk of one broker fail: `unsynced` (EIO), `slow` (200 ms a sync) or `readonly` (EROFS)."""

    def __init__(self, folder: Path):
        library, self.fault = folder / "shim.so", folder / "fault"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SHIM, "-ldl"], check=True)
        self.set("")
        self.environment = {"LD_PRELOAD": str(library), "FAULT": str(self.fault)}

    def set(self, fault: str) -> None:
        """From here on the disk does so; well with an empty name."""
        self.fault.write_text(fault)


class SmallDisk:
    """A file system of some octets. Needs root."""

    def __init__(self, folder: Path, octets: int):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={octets}", "tmpfs", folder], check=True)
        self.filler = folder / "filler"

    def fill(self) -> None:
        """Leaves no octet."""
        with open(self.filler, "wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass

    def clear(self) -> None:
        os.remove(self.filler)

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=True)
