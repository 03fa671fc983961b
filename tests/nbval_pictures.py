"""A pytest plugin: nbval compares text alone; this compares what else is stored of an output.

Pictures are compared by pixels, not bytes, and with a tolerance: another build of the font renderer
may move an edge by a fraction of a pixel. Another drawing, if only a digit, changes a small place
much, so the place that changed most decides, and not the whole picture.
"""

import base64
import io
import re

import matplotlib.image
import nbval.kernel
import numpy as np
from nbval.plugin import IPyNbCell

from tools.run_notebooks import with_content

# Mean distance of the colours, between 0 and 1, in the window that differs most. In the smallest
# letters of the lessons' pictures, a 3 that becomes an 8 makes 0.076, the least of all digits.
TOLERANCE = 0.05
WINDOW, STRIDE = 16, 8
# Codes of colours, and the cell's number: nbval counts otherwise, `test_notebooks.py` checks it.
NOT_COMPARED = re.compile(r"\x1b\[[\d;]*m|(?<=In\[)\d+")

_compare_text = IPyNbCell.compare_outputs
_start_kernel = nbval.kernel.start_new_kernel


def start_kernel(*arguments, **options):
    """Start a kernel; once more if another process took one of the ports that it was told."""
    try:
        return _start_kernel(*arguments, **options)
    except RuntimeError:  # "Kernel died before replying to kernel_info"
        return _start_kernel(*arguments, **options)


nbval.kernel.start_new_kernel = start_kernel


def pictures(outputs):
    """Return the PNG pictures among a cell's outputs, as arrays of grey values."""
    found = []
    for output in outputs:
        png = output.get("data", {}).get("image/png")
        if png is not None:
            pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png")
            found.append(pixels[..., :3])
    return found


def difference(picture, other):
    """Return the distance of two pictures where they differ most, 1.0 for other sizes."""
    if picture.shape != other.shape:
        return 1.0
    distance = np.abs(picture - other).max(axis=-1)
    # White around it, so that what stands at an edge lies in a window too.
    distance = np.pad(distance, WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(distance, (WINDOW, WINDOW))
    return float(windows[::STRIDE, ::STRIDE].mean(axis=(2, 3)).max())


def tracebacks(outputs):
    """Return the tracebacks of a cell's outputs as they read, without the cell's number."""
    return [NOT_COMPARED.sub("", "\n".join(output.get("traceback", []))) for output in outputs]


def layout(outputs):
    """Return of each output its kind, what it holds, and what is said about that (alt, width)."""
    return [
        (output["output_type"], sorted(output.get("data", {})), dict(output.get("metadata", {})))
        for output in outputs
    ]


def compare_outputs(self, test, ref, skip_compare=None):
    """Compare as nbval does, then the rest."""
    if not _compare_text(self, test, ref, skip_compare):
        return False
    told = unlike(test, ref)
    self.comparison_traceback.extend(told)
    return not told


def unlike(test, ref):
    """Return in words what nbval does not see: the outputs that were made, and those stored."""
    # One that holds nothing was put before folded outputs, and no cell made it.
    ref = with_content(ref)
    for name, read in (("traceback", tracebacks), ("kind or metadata", layout)):
        now, stored = read(test), read(ref)
        if now != stored:
            return [f"{name} differs from the stored one: {now}", f"stored: {stored}"]
    for number, (now, stored) in enumerate(zip(pictures(test), pictures(ref), strict=True), 1):
        distance = difference(now, stored)
        if distance > TOLERANCE:
            return [
                f"picture {number} differs from the stored one by {distance:.3f} at one place, "
                f"more than {TOLERANCE}"
            ]
    return []


def pytest_configure(config):
    """Put the comparison in place of nbval's."""
    IPyNbCell.compare_outputs = compare_outputs
