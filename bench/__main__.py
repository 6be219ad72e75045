"""`python -m bench [NAME] [--json]`: runs one workload or all; one line each, JSON with --json. Exit code 1 if any failed."""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

WORKLOADS = sorted(p.stem.replace("_", "-") for p in Path(__file__).parent.glob("[a-z]*.py"))


def main(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    names = [a for a in arguments if not a.startswith("-")] or WORKLOADS
    if unknown := set(names) - set(WORKLOADS):
        print(f"No workload {', '.join(sorted(unknown))}. There are: {', '.join(WORKLOADS)}.", file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        workload = import_module(f"bench.{name.replace('-', '_')}")
        try:
            results = workload.run()
        except Exception:  # one that fails must not keep the others from being measured
            traceback.print_exc()
            failed = 1
            continue
        for result in results if isinstance(results, list) else [results]:
            if as_json:
                print(json.dumps(asdict(result)), flush=True)
            else:
                print(
                    f"{result.workload:<24} {result.ours:>10.2f} {result.unit:<14} {result.rival:>10.2f} {result.rival_name:<34}"
                    f" x{result.ratio:.2f}\n    {result.method}",
                    flush=True,
                )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
