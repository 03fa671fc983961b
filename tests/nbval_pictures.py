"""A pytest plugin: nbval compares text and skips pictures; this compares the pictures too.

Pixels, not bytes, and with a tolerance: another build of the font renderer may move an edge by a
fraction of a pixel. Another drawing moves whole areas.
"""

import base64
import io

import matplotlib.image
import numpy as np
from nbval.plugin import IPyNbCell

# Mean distance of the grey values, between 0 and 1. A word more in a title makes about 0.004.
TOLERANCE = 0.001

_compare_text = IPyNbCell.compare_outputs


def pictures(outputs):
    """Return the PNG pictures among a cell's outputs, as arrays of grey values."""
    found = []
    for output in outputs:
        png = output.get("data", {}).get("image/png")
        if png is not None:
            pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png")
            found.append(pixels[..., :3].mean(axis=-1))
    return found


def difference(picture, other):
    """Return the mean distance of two pictures' grey values, 1.0 for other sizes."""
    if picture.shape != other.shape:
        return 1.0
    return float(np.abs(picture - other).mean())


def compare_outputs(self, test, ref, skip_compare=None):
    """Compare as nbval does, then the pictures."""
    if not _compare_text(self, test, ref, skip_compare):
        return False
    for number, (now, stored) in enumerate(zip(pictures(test), pictures(ref), strict=True), 1):
        distance = difference(now, stored)
        if distance > TOLERANCE:
            self.comparison_traceback.append(
                f"picture {number} differs from the stored one by {distance:.4f}, "
                f"more than {TOLERANCE}"
            )
            return False
    return True


def pytest_configure(config):
    """Put the comparison in place of nbval's."""
    IPyNbCell.compare_outputs = compare_outputs
