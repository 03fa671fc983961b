"""Merge the records of a class into one table: `python -m tools.collect FOLDER ... [--csv FILE]`.

A learner's record is `.course_progress.json`, in the folder where the notebooks ran. FOLDER may be
the home folders of a JupyterHub (`/home`): a record then belongs to the first folder on its way.
Or it may hold files that were handed in, one a learner (`ada.json`); a file may be named, too.
Several records of one learner count together. Nothing is written but FILE.
"""

import argparse
import csv
import os
import statistics
import sys
from pathlib import Path

from course_lib.exercises._exercise import all_exercises
from course_lib.exercises._progress import FILE, entries_in

SOLVED, TRIED, OPEN = "✓", "…", "·"
NEVER_ENTERED = {"__pycache__", "node_modules", "site-packages"}


def records(place):
    """Yield (learner, path) of each record in a folder, or of the one that is named."""
    place = Path(place)
    if place.is_file():
        yield place.resolve().parent.name if place.name == FILE else place.stem, place
        return
    if not place.is_dir():
        raise FileNotFoundError(f"there is no folder or file {place}")
    for folder, inner, files in os.walk(place):
        # Neither hidden folders nor a link that leads round in a circle.
        inner[:] = sorted(n for n in inner if not n.startswith(".") and n not in NEVER_ENTERED)
        here = Path(folder)
        for name in sorted(files):
            if name == FILE or (here == place and name.endswith(".json")):
                way = (here / name).relative_to(place).parts
                whole = here == place and name == FILE
                learner = place.resolve().name if whole else Path(way[0]).stem
                yield (way[0] if len(way) > 1 else learner), here / name


def merge(places):
    """Return ({learner: {exercise: {"solved", "tries"}}}, what could not be read, in words)."""
    known = {exercise.id for exercise in all_exercises()}
    learners, trouble, seen = {}, [], set()
    for learner, path in (found for place in places for found in records(place)):
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        try:
            entries = entries_in(path.read_text(encoding="utf-8"))
        except OSError as error:
            trouble.append(f"{path} could not be read ({error.strerror})")
            continue
        except ValueError as error:
            why = "is damaged" if isinstance(error, UnicodeDecodeError) else error
            trouble.append(f"{path} {why}")
            continue
        if unknown := sorted(set(entries) - known):
            trouble.append(f"{path} names exercises that are not in this course: {unknown}")
        add(learners.setdefault(learner, {}), {i: e for i, e in entries.items() if i in known})
    return dict(sorted(learners.items())), trouble


def add(to, entries):
    """Add the entries of one record to a learner's: solved in either, tries of both."""
    for number, entry in entries.items():
        old = to.get(number, {"solved": False, "tries": 0})
        solved, tries = old["solved"] or entry["solved"], old["tries"] + entry["tries"]
        to[number] = {"solved": solved, "tries": tries}


def mark(entry):
    return OPEN if entry is None else SOLVED if entry["solved"] else TRIED


def in_lines(learners, exercises):
    """Yield the table as text: a line for each learner, then a line for each exercise tried."""
    lessons = {}
    for exercise in exercises:
        lessons.setdefault(exercise.lesson, []).append(exercise.id)
    wide = max([len("learner"), *map(len, learners)])
    heads = "  ".join(f"{name:{len(ids)}}" for name, ids in lessons.items())
    yield f"{'learner':{wide}}  solved  {heads}".rstrip()
    for learner, entries in learners.items():
        solved = sum(entry["solved"] for entry in entries.values())
        cells = [
            f"{''.join(mark(entries.get(i)) for i in ids):{max(2, len(ids))}}"
            for ids in lessons.values()
        ]
        yield f"{learner:{wide}}  {solved:2} / {len(exercises)}  {'  '.join(cells)}".rstrip()
    yield f"{SOLVED} solved   {TRIED} tried, not solved yet   {OPEN} not tried"
    yield ""
    yield "exercise  solved  trying  tries (median)"
    for exercise in exercises:
        found = [entries[exercise.id] for entries in learners.values() if exercise.id in entries]
        if found:
            solved = sum(entry["solved"] for entry in found)
            median = statistics.median(entry["tries"] for entry in found)
            line = f"{exercise.id:8}  {solved:6}  {len(found) - solved:6}  {median:14g}"
            yield f"{line}  {exercise.title}"


def write_csv(path, learners, exercises):
    """Write a row for each learner: how many are solved, then each exercise and its tries."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        ids = [exercise.id for exercise in exercises]
        writer.writerow(["learner", "solved", *ids, *[f"{number} tries" for number in ids]])
        for learner, entries in learners.items():
            solved = sum(entry["solved"] for entry in entries.values())
            states = {SOLVED: "solved", TRIED: "tried", OPEN: ""}
            said = [states[mark(entries.get(number))] for number in ids]
            tries = [entries.get(number, {"tries": 0})["tries"] for number in ids]
            writer.writerow([learner, solved, *said, *tries])


def main(arguments=None):
    """Print the table; the exit status is 1 if a record could not be read, or none was found."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.collect")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="a folder, or one record")
    parser.add_argument("--csv", metavar="FILE", help="write the table there, for a spreadsheet")
    given = parser.parse_args(arguments)
    try:
        learners, trouble = merge(given.places)
    except FileNotFoundError as error:
        sys.exit(str(error))
    exercises = all_exercises()
    if learners:
        print("\n".join(in_lines(learners, exercises)))
    else:
        trouble.append(f"no record was found in {', '.join(given.places)}")
    if given.csv and learners:
        write_csv(given.csv, learners, exercises)
        print(f"\nwritten: {given.csv}")
    for line in trouble:
        print(line, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
