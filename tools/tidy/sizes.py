"""Files of 600 lines, functions of 70, 100 columns: at the most."""

import ast
import re

from tree import Finding, without_comments_and_strings

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
CODE = (".h", ".cc", ".js", ".mjs", ".py")

_TYPE = re.compile(r"(\w+\s*:(?!:)\s*)*(template\s*<.*>\s*)?(export\s+|typedef\s+|inline\s+)?"
                   r"(namespace|class|struct|union|enum|extern)\b", re.S)


def file_lines(tree):
    for file in tree.matching(CODE):
        count = len(tree.lines(file))
        if count > FILE_LINES_MAX:
            yield Finding(file, count, "file-lines",
                          f"{count} lines: split it by idea ({FILE_LINES_MAX} at the most)")


def columns(tree):
    for file in tree.matching(CODE):
        for number, line in tree.lines(file):
            # A link cannot be broken.
            if len(line) > COLUMNS_MAX and not re.search(r"https?://\S{40,}", line):
                yield Finding(file, number, "columns", f"{len(line)} columns")


def cpp_functions(source):
    """(first line, last line, head) of each outermost function body, by matching braces."""
    code = without_comments_and_strings(source)
    # Preprocessor lines hold no bodies we measure, and their braces need not match.
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*(?:\\\n[^\n]*)*",
                  lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.M)
    stack, head_start, line = [], 0, 1
    for at, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            head = code[head_start:at]
            kind = _opens(head, inside=any(k == "function" for k, _, _ in stack))
            first = line - head.lstrip().count("\n")
            stack.append((kind, first, head.strip()))
            if kind != "value":
                head_start = at + 1
        elif char == "}" and stack:
            kind, first, head = stack.pop()
            if kind == "function":
                yield first, line, head
            if kind != "value":  # The head goes on after a value: a constructor's initialisers.
                head_start = at + 1
        elif char == ";":
            head_start = at + 1


def _opens(head, inside):
    """What the brace after `head` opens: a "function", a "value", or another "block"."""
    if head and not head[-1].isspace():
        return "value"  # As clang-format writes member_{1}.
    if inside or "(" not in head or _TYPE.match(head.lstrip()) or head.rstrip().endswith("="):
        return "block"
    return "function"


def function_lines(tree):
    for file in tree.matching((".h", ".cc")):
        for first, last, head in cpp_functions(tree.text(file)):
            if last - first + 1 > FUNCTION_LINES_MAX:
                name = " ".join(head.split())[-60:]
                yield Finding(file, first, "function-lines",
                              f"{last - first + 1} lines: {name}")
    for file in tree.matching((".py",)):
        for node in ast.walk(ast.parse(tree.text(file))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    yield Finding(file, node.lineno, "function-lines",
                                  f"{length} lines: {node.name}")
