#!/usr/bin/env python3
"""generate.py [--check]   Writes what the chart holds of other files; `make generate` calls it.

files/      the CRD: a chart cannot read outside its own folder
README.md   the table of values, from the comments of values.yaml

With --check nothing is written: files that are not what would be written are named, and the exit code is 1.
Needs nothing but Python.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts/feature-monitor"
CRD = "featuremonitors.featuremonitor.io.yaml"
BEGIN = "<!-- Values: generated from values.yaml by `make generate`. Do not edit. -->\n"
END = "<!-- End of the values. -->\n"

LINE = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z]+):(?: (?P<value>.+))?")


def values(text):
    """(name, default, sentence) of each value, in order.

    Reads the form that values.yaml is written in, which is less than YAML: a comment stands above its value,
    a value is on one line, and what has no value on its line is a group of values.
    """
    groups, comment = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            comment = []
            continue
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip().removeprefix("#").strip())
            continue
        found = LINE.fullmatch(line)
        if not found or len(found["indent"]) % 2:
            raise SystemExit(f"values.yaml:{number}: not `name:` or `name: value`: {line}")
        depth = len(found["indent"]) // 2
        if depth > len(groups):
            raise SystemExit(f"values.yaml:{number}: deeper than its group: {line}")
        del groups[depth:]
        name = ".".join([*groups, found["name"]])
        if found["value"] is None:
            groups.append(found["name"])
        elif not comment:
            raise SystemExit(f"values.yaml:{number}: {name} has no comment")
        else:
            sentence = " ".join(comment)
            if not sentence.endswith(".") or ". " in sentence:
                raise SystemExit(f"values.yaml:{number}: the comment of {name} is not one sentence: {sentence}")
            yield name, found["value"], sentence
        comment = []


def table(text):
    lines = ["| value | default | what it does |", "|---|---|---|"]
    for name, default, sentence in values(text):
        cells = [f"`{name}`", f"`{default}`", sentence]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def readme(old, values_yaml):
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md of the chart has no place for its values, between\n{BEGIN}{END}")
    return f"{before}{begin}\n{table(values_yaml)}\n{end}{after}"


def main(arguments):
    if arguments not in ([], ["--check"]):
        raise SystemExit(__doc__)
    page = CHART / "README.md"
    wanted = {
        CHART / "files" / CRD: (ROOT / "crds/generated" / CRD).read_text("utf-8"),
        page: readme(page.read_text("utf-8"), (CHART / "values.yaml").read_text("utf-8")),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if not arguments:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], "utf-8")
    elif stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        raise SystemExit(f"not what `make generate` writes: {names}")


if __name__ == "__main__":
    main(sys.argv[1:])
