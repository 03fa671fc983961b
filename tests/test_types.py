"""A type checker sees what a reader sees: every public name, with types."""

import ast
import inspect
from pathlib import Path

import pytest

import course_lib

PACKAGE = Path(course_lib.__file__).parent


def test_the_package_says_that_it_has_types():
    assert (PACKAGE / "py.typed").is_file()


def test_a_type_checker_reads_every_public_name():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    seen = {
        alias.asname: (statement.module, alias.name)
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == {name: (f"course_lib.{home}", name) for name, home in course_lib._HOME.items()}


@pytest.mark.parametrize("name", course_lib.__all__)
def test_every_argument_and_result_has_a_type(name):
    value = getattr(course_lib, name)
    functions = [value]
    if inspect.isclass(value):
        functions = [
            one.fget if isinstance(one, property) else one
            for key, one in vars(value).items()
            if not key.startswith("_") and (callable(one) or isinstance(one, property))
        ]
    for function in functions:
        parameters = inspect.signature(function).parameters.values()
        assert inspect.signature(function).return_annotation is not inspect.Signature.empty
        untyped = [one.name for one in parameters if one.annotation is one.empty]
        assert untyped in ([], ["self"]), function
