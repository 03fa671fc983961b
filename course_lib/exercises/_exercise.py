"""What an exercise is, and how one is found by its number."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

# The files of this folder by the number of their lesson.
LESSONS = {
    0: "start_here",
    1: "padding",
    2: "embedding",
    3: "propagation",
    4: "carry_over",
    5: "loss",
    6: "lost_masks",
    7: "attention",
    8: "batching",
    9: "scaling",
    10: "versions",
    11: "pronunciation",
}


@dataclass(frozen=True)
class Wrong:
    """A usual wrong answer, and the question that helps who gave it.

    Attributes:
        name: what it gets wrong, in a few words.
        answer: a function that behaves like it.
        question: shown when a learner's answer gives the same results; a question, no verdict.
    """

    name: str
    answer: Callable
    question: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise. The solution is the reference that answers are compared with.

    Attributes:
        id: "2.1" is the first exercise of lesson 02.
        title: a few words.
        solution: a function of at most 24 lines; its docstring is the stub's.
        task: what is asked, in Markdown.
        minutes: how long it takes.
        difficulty: "easy", "medium" or "hard".
        hints: two or three, each saying more than the one before.
        cases: a function that takes a `Draw` and returns one case, a tuple of arguments.
        examples: cases that are always tried.
        wrong: the usual wrong answers.
        use: how an answer is used on a case; by default it is called with the case's arguments.
        parts: what to call each part of a result, if `use` returns several.
        build: True for the longer exercise that closes a lesson.
        prepare: called before an answer's seconds are counted, so that Keras is imported and warm.
        seconds: for one call, if an answer may take longer than usual: what it makes is trained.
            Such an exercise is open, its solution is one right answer of many.
    """

    id: str
    title: str
    solution: Callable
    task: str
    minutes: int
    difficulty: str
    hints: tuple
    cases: Callable
    examples: tuple = ()
    wrong: tuple = ()
    use: Callable | None = None
    parts: tuple = ()
    build: bool = False
    prepare: Callable | None = None
    seconds: float | None = None

    @property
    def name(self):
        """The name of the function that is asked for."""
        return self.solution.__name__

    @property
    def lesson(self):
        """The lesson's number as the notebook's name begins: "02"."""
        return f"{int(self.id.split('.')[0]):02d}"

    @property
    def parameters(self):
        """The names of a case's arguments."""
        function = self.use or self.solution
        names = list(inspect.signature(function).parameters)
        return names[1:] if self.use else names

    def apply(self, answer, case):
        """Use `answer` on `case`."""
        return self.use(answer, *case) if self.use else answer(*case)

    def name_of(self, where):
        """Return what to call a part of the result: `where` is "" or an index as "[1]"."""
        index, _, rest = where.removeprefix("[").partition("]")
        return self.parts[int(index)] + rest if where and self.parts else f"result{where}"

    @property
    def solution_source(self):
        """The solution as it stands in the notebook, under the name `solution`."""
        source = textwrap.dedent(inspect.getsource(self.solution)).rstrip()
        return source.replace(f"def {self.name}", "def solution", 1)

    @property
    def stub(self):
        """What the learner starts from: the solution with `...` for each body."""
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(self.solution))).body
        has_docstring = ast.get_docstring(definition) is not None
        definition.body = [*definition.body[:has_docstring], ast.Expr(ast.Constant(...))]
        return ast.unparse(definition)


class UnknownExerciseError(LookupError):
    """No exercise has this number; the message says which there are."""


def exercises_of(lesson):
    """Return the exercises of a lesson's file, in order."""
    return importlib.import_module(f"course_lib.exercises.{lesson}").EXERCISES


def all_exercises():
    """Return all exercises, in order."""
    return [exercise for lesson in LESSONS.values() for exercise in exercises_of(lesson)]


def find(exercise_id):
    """Return the exercise with this number.

    Raises:
        UnknownExerciseError: there is none.
    """
    wanted = str(exercise_id).strip()
    exercises = all_exercises()
    for exercise in exercises:
        if exercise.id == wanted:
            return exercise
    ids = ", ".join(exercise.id for exercise in exercises)
    raise UnknownExerciseError(f"There is no exercise {wanted!r}. There are {ids}.")
