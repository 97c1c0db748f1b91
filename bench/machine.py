"""What the figures were measured on, and how much processor time a process used."""

import os
import platform
import tempfile
import time
from pathlib import Path
from statistics import median


def describe_machine(folder: Path) -> dict[str, object]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "fsync_median_ms": fsync_median_ms(folder),
    }


def fsync_median_ms(folder: Path, times: int = 200) -> float:
    """Median of writing 4 KiB and waiting until the disk has it: the floor under every durable answer."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
    return round(median(taken), 2)


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads of a process, to the nanosecond (Linux)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended meanwhile
    return total / 1e9


def peak_memory_mib(pid: int) -> float:
    """Resident at most so far, with what is mapped from files."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
