"""Run tests with Keras already imported: most of a short test run is the import of TensorFlow.

`warm_tests.py serve ADDRESS` imports Keras once and then waits; each call of
`warm_tests.py ask ADDRESS tests/test_loss.py ...` makes it fork, and the child runs pytest with
these arguments where the caller stands. The exit status is pytest's. The server imports Keras and
computes nothing, for TensorFlow cannot be forked once its threads have started.
"""

import os
import signal
import sys
from multiprocessing.connection import Client, Listener


def ask(address, *arguments):
    """Have the tests run, and return pytest's exit status."""
    with Client(address) as connection:
        connection.send((os.getcwd(), arguments))
        output, status = connection.recv()
    print(output)
    return status


def serve(address):
    """Answer one caller after the other, until this process is ended."""
    import hypothesis
    import keras  # noqa: F401
    import pytest

    # Whether a test fails is asked, not for which smallest example it does.
    phases = [phase for phase in hypothesis.Phase if phase.name not in ("shrink", "explain")]
    hypothesis.settings.register_profile("first failure", phases=phases)
    hypothesis.settings.load_profile("first failure")

    with Listener(address) as listener:
        while True:
            with listener.accept() as connection:
                folder, arguments = connection.recv()
                log = f"{address}.log"
                child = os.fork()
                if not child:
                    _run(pytest, folder, arguments, log)
                # A caller that gives up (its time is over) closes the connection.
                if not _answered(child, connection, log):
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)


def _run(pytest, folder, arguments, log):
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    sys.path.insert(0, folder)
    os._exit(pytest.main(list(arguments)))


def _answered(child, connection, log):
    """Send the child's output and exit status when it ends; return False if the caller left."""
    while not connection.poll(0.05):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with open(log) as file:
                connection.send((file.read(), os.waitstatus_to_exitcode(status)))
            return True
    return False


if __name__ == "__main__":
    action, *rest = sys.argv[1:]
    sys.exit({"ask": ask, "serve": serve}[action](*rest))
