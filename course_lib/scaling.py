"""Lesson 09: what a step weighs when a batch is cut into parts, and worker processes to try it.

A part is what one replica, one worker or one micro-batch gets. Each part takes the masked mean of
its own steps, and the means are averaged: `tf.distribute` does it for replicas, the optimizer of
Keras for micro-batches (`gradient_accumulation_steps` in `keras/src/optimizers/base_optimizer.py`).
TensorFlow does the distributing; here are the weights in NumPy, and the starting of processes.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np

from course_lib._arguments import as_integer, as_mask

HOST = "127.0.0.1"


def weights_of_means(mask, parts):
    """Return what each step weighs in the mean of the parts' masked means.

    The rows are cut into `parts` runs of equal length, as `tf.distribute` cuts a batch. A step of a
    part with `n` real steps weighs `1 / (parts * n)`. The sum of the steps' losses with these
    weights is the loss that training on such parts reports.

    Args:
        mask: bool, shape `(B, T)`, True at real steps.
        parts: replicas, workers or micro-batches; divides `B`.

    Returns:
        float64, shape `(B, T)`, 0 at padding. A part that is all padding has the loss 0, so its
        share of the weights is missing from their sum.

    Raises:
        TypeError: `mask` is not bool, or `parts` is no integer.
        ValueError: `mask` has another shape, or `parts` does not divide its rows.
    """
    mask = as_mask(mask)
    parts = _as_parts(parts, "parts", len(mask))
    rows_of_part = mask.reshape(parts, len(mask) // parts, mask.shape[1])
    steps = rows_of_part.sum(axis=(1, 2), keepdims=True)
    return (rows_of_part / (parts * np.maximum(steps, 1))).reshape(mask.shape)


def token_weights(mask, micro_batches=1):
    """Return the `sample_weight` with which parts add up to one big batch.

    Made for the whole batch, before it is cut, and used with a loss of `reduction="sum"`. Each real
    step weighs `1 / N`, where `N` counts the real steps of the whole batch. An optimizer with
    `gradient_accumulation_steps` divides by the number of micro-batches, so here the weights are
    multiplied by it.

    Args:
        mask: bool, shape `(B, T)`, True at real steps.
        micro_batches: `gradient_accumulation_steps`; 1 without it, however many replicas there are.

    Returns:
        float32, shape `(B, T)`, 0 at padding; all 0 if no step is real.

    Raises:
        TypeError: `mask` is not bool, or `micro_batches` is no integer.
        ValueError: `mask` has another shape, or `micro_batches` does not divide its rows.
    """
    mask = as_mask(mask)
    micro_batches = _as_parts(micro_batches, "micro_batches", len(mask))
    return (mask * (micro_batches / max(mask.sum(), 1))).astype("float32")


def _as_parts(value, name, rows):
    parts = as_integer(value, name, at_least=1)
    if rows % parts:
        raise ValueError(f"`{name}` must divide the {rows} rows of `mask`, got {parts}")
    return parts


def run_workers(code, workers=2, seconds=120):
    """Run the same Python code in several processes of this machine, and wait for all of them.

    Each gets the variable `TF_CONFIG`, from which `tf.distribute.MultiWorkerMirroredStrategy` reads
    who the workers are and which one it is. They talk over free ports of 127.0.0.1. If one of them
    fails or time is up, the others are ended; none is left when this function returns.

    Args:
        code: Python code, a string.
        workers: how many processes.
        seconds: after which all of them are ended.

    Returns:
        A list of what each worker printed, in the workers' order, without its last line break.

    Raises:
        TypeError: `code` is no string, or `workers` or `seconds` is no integer.
        ValueError: `workers` or `seconds` is less than 1.
        RuntimeError: a worker ended with an error or was killed; with its last line of errors.
        TimeoutError: a worker was still running after `seconds`.
    """
    if not isinstance(code, str):
        raise TypeError(f"`code` must be a string of Python code, got {type(code).__name__}")
    workers = as_integer(workers, "workers", at_least=1)
    seconds = as_integer(seconds, "seconds", at_least=1)
    with tempfile.TemporaryDirectory() as folder:
        running, addresses = [], free_addresses(workers)
        try:
            for index in range(workers):
                running.append(_start(code, addresses, index, folder))
            _wait(running, time.monotonic() + seconds, seconds, folder)
        finally:
            for process in running:
                process.kill()  # nothing happens to one that has ended
                process.wait()
        return [_text(folder, index, "out").rstrip("\n") for index in range(workers)]


def free_addresses(count):
    """Return `count` different addresses "127.0.0.1:port" that nobody listens on now."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    addresses = [f"{HOST}:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def _start(code, addresses, index, folder):
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    settings = os.environ | {"TF_CONFIG": json.dumps(task)}
    with (
        open(os.path.join(folder, f"{index}.out"), "w") as out,
        open(os.path.join(folder, f"{index}.err"), "w") as err,
    ):
        command = [sys.executable, "-c", code]
        return subprocess.Popen(
            command, env=settings, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )


def _wait(running, end, seconds, folder):
    while any(process.poll() is None for process in running):
        _raise_for_the_dead(running, folder)
        if time.monotonic() > end:
            slow = [index for index, process in enumerate(running) if process.poll() is None]
            raise TimeoutError(
                f"worker {slow[0]} of {len(running)} was still running after {seconds} s; "
                "all workers were ended"
            )
        time.sleep(0.05)
    _raise_for_the_dead(running, folder)


def _raise_for_the_dead(running, folder):
    for index, process in enumerate(running):
        if process.poll():
            status = process.returncode
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            last = (_text(folder, index, "err").strip().splitlines() or ["it printed no error"])[-1]
            raise RuntimeError(
                f"worker {index} of {len(running)} {how}, and the others were ended: {last}"
            )


def _text(folder, index, kind):
    with open(os.path.join(folder, f"{index}.{kind}"), errors="replace") as file:
        return file.read()
