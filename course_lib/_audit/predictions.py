"""The predictions that losses and metrics are tried on."""

import numpy as np

from course_lib._audit.compare import unfold
from course_lib._audit.run import array
from course_lib._keras_private import mask_of, with_mask


class Predictions:
    """The part of the scores that knows the outputs, as they are and with other padding."""

    def _structure(self):
        """Return the outputs in the model's own form."""
        import keras

        outputs = self._repaired()
        result = self.audit.result
        leaves = iter(outputs)
        packed = [
            next(leaves) if keras.ops.is_tensor(leaf) else leaf
            for leaf in keras.tree.flatten(result)
        ]
        return keras.tree.pack_sequence_as(result, packed)

    def _repaired(self):
        """Return the outputs with the values of the rows alone at real steps, masks kept.

        So a loss is judged by its own faults, not by those of the values that come to it.
        """
        import keras

        audit = self.audit
        wrong = {leak.output for leak in audit.leaks}
        self.outputs = list(audit.outputs)
        for number in wrong:
            kinds = audit.kinds[number]
            values = unfold(array(audit.outputs[number]), audit.whole).copy()
            for rows, view, outputs in zip(
                audit.groups, audit.alone, audit.alone_outputs, strict=True
            ):
                own = unfold(array(outputs[number]), view)
                for place, row in enumerate(rows):
                    values[
                        _window(row, kinds, audit.whole, own.shape, values.shape, audit.side)
                    ] = own[place]
            output = audit.outputs[number]
            repaired = keras.ops.cast(values.reshape(tuple(output.shape)), output.dtype)
            self.outputs[number] = with_mask(repaired, mask_of(output))
        return self.outputs

    def _with_other_padding(self, number):
        """Return the outputs with values of real steps at the padded ones of one, masks kept.

        A loss or metric that looks at padding can be right by chance: for these values, not for
        others. Where the model makes zeros of padding, these are part of what it promises; then,
        and for outputs without steps, `None` is returned.
        """
        import keras

        audit, output = self.audit, self.outputs[number]
        kinds = audit.kinds[number]
        if len(kinds) < 2 or not isinstance(kinds[1], int):
            return None
        values = array(output)
        real = audit.batch.sequences[kinds[1]].real
        if values.shape[:2] != real.shape or real.all() or not values[~real].any():
            return None
        values = values.copy()
        values[~real] = np.resize(values[real], (int((~real).sum()), *values.shape[2:]))
        changed = keras.ops.cast(keras.ops.convert_to_tensor(values), output.dtype)
        with_mask(changed, mask_of(output))
        return [changed if place == number else one for place, one in enumerate(self.outputs)]


def _window(row, kinds, view, own, whole, side):
    """Return the index of a row's own steps in the whole batch."""
    index = [row]
    for axis, kind in enumerate(kinds[1:], start=1):
        if isinstance(kind, int):
            start = view.starts[kind][row]
            index.append(slice(start, start + own[axis]))
        elif kind == "free":
            size = own[axis]
            index.append(slice(0, size) if side == "post" else slice(whole[axis] - size, None))
        else:
            index.append(slice(None))
    return tuple(index)
