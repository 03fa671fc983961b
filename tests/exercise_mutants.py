"""Every answer that is one small slip away from a solution."""

import ast
import copy
import inspect
import textwrap

COMPARE = {
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt, ast.LtE),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq, ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
BINARY = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.BitAnd: (ast.BitOr,),
    ast.MatMult: (),
}
NAMES = {
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "sum": "mean",
    "mean": "sum",
    "any": "all",
    "all": "any",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "argmax": "argmin",
    "exp": "log",
    "log": "exp",
    "tanh": "sin",
}
COMMUTATIVE = {"max", "min", "maximum", "minimum", "logical_or", "logical_and"}


def definition_of(solution):
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(solution))).body
    return definition


def mutants(solution):
    """Yield (what was changed, the mutant) for each slip in a function's or class's source."""
    definition = definition_of(solution)
    places = list(ast.walk(definition))
    docstrings = {
        id(node.body[0].value)
        for node in places
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node)
    }
    parameters = {
        argument.arg
        for node in places
        if isinstance(node, ast.FunctionDef)
        for argument in node.args.args
    } - {"self"}
    before = ast.unparse(definition)
    seen = {before}
    for number, node in enumerate(places):
        if id(node) in docstrings:
            continue
        for slip in slips(node, parameters):
            other = copy.deepcopy(definition)
            target = list(ast.walk(other))[number]
            slip(target)
            source = ast.unparse(ast.fix_missing_locations(other))
            if source not in seen:
                seen.add(source)
                yield change(before, source), load(source, solution)


def change(before, after):
    """Return the lines that differ: `old → new`."""
    old, new = before.splitlines(), after.splitlines()
    gone = [line.strip() for line in old if line not in new]
    come = [line.strip() for line in new if line not in old]
    return " / ".join(gone) + " → " + " / ".join(come)


def load(source, solution):
    space = dict(inspect.getmodule(solution).__dict__)
    exec(compile(source, "<mutant>", "exec"), space)
    return space[solution.__name__]


def slips(node, parameters):
    """Return functions that each change a copy of `node` in one way."""
    if isinstance(node, ast.Compare):
        for other in COMPARE[type(node.ops[0])]:
            yield lambda n, other=other: n.ops.__setitem__(0, other())
    elif isinstance(node, ast.BinOp):
        for other in BINARY[type(node.op)]:
            yield lambda n, other=other: setattr(n, "op", other())
        if not isinstance(node.op, (ast.Mult, ast.BitOr, ast.BitAnd)):
            yield lambda n: n.__dict__.update(left=n.right, right=n.left)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield lambda n: setattr(n, "op", other())
    elif isinstance(node, ast.UnaryOp):
        yield lambda n: setattr(n, "op", ast.UAdd() if isinstance(n.op, ast.USub) else ast.Not())
    elif isinstance(node, ast.IfExp):
        yield lambda n: n.__dict__.update(body=n.orelse, orelse=n.body)
        yield lambda n: setattr(n, "test", ast.Constant(True))
        yield lambda n: setattr(n, "test", ast.Constant(False))
    elif isinstance(node, (ast.If, ast.While)):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        yield lambda n: setattr(n, "test", ast.Constant(True))
        yield lambda n: setattr(n, "test", ast.Constant(False))
    elif isinstance(node, ast.Constant):
        yield from constant_slips(node.value)
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield lambda n: setattr(n, "attr", NAMES[n.attr])
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        if node.id in NAMES:
            yield lambda n: setattr(n, "id", NAMES[n.id])
        if node.id in parameters:
            for other in sorted(parameters - {node.id}):
                yield lambda n, other=other: setattr(n, "id", other)
    elif isinstance(node, ast.Call):
        if len(node.args) >= 2 and ast.unparse(node.func).split(".")[-1] not in COMMUTATIVE:
            yield lambda n: n.args.__setitem__(slice(0, 2), n.args[1::-1])
        if len(node.args) == 3:
            yield lambda n: n.args.__setitem__(slice(1, 3), n.args[2:0:-1])
        for place in range(len(node.keywords)):
            yield lambda n, place=place: n.keywords.pop(place)
    elif isinstance(node, ast.Slice):
        if node.lower or node.upper:
            yield lambda n: n.__dict__.update(lower=None, upper=None)
        yield lambda n: n.__dict__.update(lower=n.upper, upper=n.lower)
    if isinstance(node, (ast.FunctionDef, ast.For, ast.If)) and len(node.body) > 1:
        for place, statement in enumerate(node.body):
            if not isinstance(statement, ast.Expr):
                yield lambda n, place=place: n.body.pop(place)


def constant_slips(value):
    if isinstance(value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(value, (int, float)):
        yield lambda n: setattr(n, "value", n.value + 1)
        yield lambda n: setattr(n, "value", n.value - 1)
    elif isinstance(value, str):
        other = {"pre": "post", "post": "pre"}.get(value, value + "x")
        yield lambda n: setattr(n, "value", other)
