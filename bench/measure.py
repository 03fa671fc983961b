"""What the benchmarks share: times taken in turn, and a table of them."""

import sys
import time


def in_turn(calls, rounds, clock=time.perf_counter):
    """Call each function once a round, and return its seconds, the quickest of all rounds.

    In turn, so that what else the machine does meets all of them alike; a first round, which is
    not counted, fills the caches. The quickest round is the one that was disturbed least.
    """
    best = dict.fromkeys(calls, float("inf"))
    for number in range(rounds + 1):
        for name, call in calls.items():
            show(f"round {number} of {rounds}: {name}")
            started = clock()
            call()
            if number:
                best[name] = min(best[name], clock() - started)
    show("")
    return best


def show(text):
    """Show what runs now, in place, if somebody is looking."""
    if sys.stdout.isatty():
        print(f"\r{text:70.70}", end="\r" if not text else "", flush=True)


def table(title, columns, rows, words=1):
    """Print a table: the first columns, of words, to the left, and numbers to the right."""
    lines = [columns, *rows]
    widths = [max(len(str(line[place])) for line in lines) for place in range(len(columns))]
    print(f"\n{title}")
    for line in lines:
        cells = [
            str(cell).ljust(width) if place < words else str(cell).rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())
