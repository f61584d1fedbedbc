"""Run every benchmark of this folder, print the table, write ``latest.json``.

A benchmark is a module here with a function ``run()`` that returns rows (:mod:`.table`).
Arguments are parts of module names: ``python -m benchmarks.run plugin``.
Exit code 1 if a limit is not kept or a module broke.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

from benchmarks.table import check, table

FOLDER: Final = Path(__file__).parent
OURS: Final = ("run", "table", "bare_echo", "session_clock", "__init__")


def main(wanted: list[str]) -> int:
    """Run the modules whose name holds one of ``wanted``, or all."""
    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in OURS)
    for name in names:
        if wanted and not any(part in name for part in wanted):
            continue
        started = time.monotonic()
        print(f"{name} …", end=" ", flush=True)
        try:
            module: Any = importlib.import_module(f"benchmarks.{name}")
            if not hasattr(module, "run"):
                print("holds no benchmark")
                continue
            rows += [check(row) for row in module.run()]
        except Exception:  # noqa: BLE001 - the others are worth their figures
            broken.append(name)
            print("broke")
            traceback.print_exc()
            continue
        print(f"{time.monotonic() - started:.1f} s")
    print(table(rows))
    if not wanted:
        latest = FOLDER / "latest.json"
        latest.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        print(f"written to {latest}")
    bad = [str(row["name"]) for row in rows if not row["ok"]]
    if bad or broken:
        print(f"not kept: {', '.join(bad + broken)}")
    return 1 if bad or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
