#!/usr/bin/env python3
"""Makes a large report out of a small one, to measure the commands that read reports.
Usage: scripts/large_report.py REPORT.json ROWS > LARGE.json

The rows are those of REPORT again and again, each time of other tokens, so that no two have one case_id and allocator; so are
the entries of comparison[]. Then, for example:
  /usr/bin/time -f '%U s user, %M KiB' symmbench validate LARGE.json
  /usr/bin/time -f '%U s user, %M KiB' symmbench compare LARGE.json LARGE.json --max-regress 5
"""
import itertools
import json
import pathlib
import sys


def renumbered(entry, round_):
    """`entry` as of another shape."""
    shape = f"{entry['tokens']}x{entry['hidden']}"
    tokens = entry["tokens"] + 100000 * round_
    case_id = entry["case_id"].replace(shape, f"{tokens}x{entry['hidden']}")
    return {**entry, "tokens": tokens, "case_id": case_id}


def repeated(entries, count):
    rounds = (renumbered(entry, round_) for round_ in itertools.count() for entry in entries)
    return list(itertools.islice(rounds, count)) if entries else []


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    rows, compared = int(sys.argv[2]), len(report["comparison"]) / len(report["results"])
    report["results"] = repeated(report["results"], rows)
    report["comparison"] = repeated(report["comparison"], round(rows * compared))
    json.dump(report, sys.stdout, indent=2)


main()
