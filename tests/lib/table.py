"""The table of Python's names in libsockd(3): every name of the real module and of its socket class is there; what it
names for C is declared and can be linked; the constants have Python's numbers; and the test that each row claims (in a
comment before it, "tested FILE...: WHAT") is there, calls what the row names, and has run.
"""
import ast
import fnmatch
import os
import re
import socket
import subprocess
import tempfile

from names_common import Tool, as_meant, build, fail, finish, skip, source, verdict

# Of Windows in Python.
ELSEWHERE = {"fromshare", "share", "ioctl"}
# Modules that socket.py imports; from 3.14 on only when it needs them.
ELSEWHERE |= {"array", "selectors"}
ROW = re.compile(r'\.\\" tested ([^\n]+)\nT\{\n(.*?)\nT\}\tT\{\n(.*?)\nT\}\tT\{\n(.*?)\nT\}\n', re.S)


class Row:
    def __init__(self, match):
        claim, python, c, self.words = match.groups()
        self.files, self.what = claim.rsplit(": ", 1)
        self.files = self.files.split()
        self.python = re.findall(r"\\fB(.*?)\\fR", python)
        self.c = re.findall(r"\\fB(\w+)\\fR(\([23]?\))?", c)
        self.headers = re.findall(r"\\fI<(.*?)>\\fR", c)
        self.name = ", ".join(self.python)


def read_tables():
    with open(os.path.join(source, "man/libsockd.3")) as page:
        text = page.read()
    tables = {}
    for name, body in re.findall(r'\.\\" table (\w+)\n\.TS\n.*?\n_\n(.*?)\.TE\n', text, re.S):
        rows = [Row(match) for match in ROW.finditer(body)]
        # Nothing of the table is anything but a row.
        rest = ROW.sub("", body)
        empty = [row.name for row in rows if not row.python or not (row.c or row.headers) or not row.words.strip()]
        verdict(f"{name}: {len(rows)} rows, and none has an empty cell", [rest] * bool(rest) + empty)
        tables[name] = rows
    return tables


def is_constant(name):
    return isinstance(getattr(socket, name), int) and not name.startswith("_") and name != "has_ipv6"


def names_are_there(tables):
    rows = {name: row for row in tables["functions"] for name in row.python}
    names = [name for name in dir(socket) if not is_constant(name)]
    verdict(f"every function and class of the module ({len(names)} names)",
            [name for name in names if name not in rows and not (name.startswith("_") and "_*" in rows)])
    verdict("and none that it does not have",
            sorted(set(rows) - set(dir(socket)) - ELSEWHERE - {"_*"}))

    rows = {name: row for row in tables["methods"] for name in row.python}
    names = dir(socket.socket)
    everybodys = set(dir(object)) | {"__slots__", "__weakref__", "__module__", "__getstate__",
                                  "__firstlineno__", "__static_attributes__"}
    verdict(f"every method and attribute of the socket class ({len(names)} names)",
            [name for name in names if name not in rows and not (name in everybodys and "object" in rows) and
             not (name.startswith("_") and not name.startswith("__") and "_*" in rows)])
    verdict("and none that it does not have, either",
            sorted(set(rows) - set(names) - ELSEWHERE - {"_*", "object"}))
    for kind in ("functions", "methods", "constants"):
        names = [name for row in tables[kind] for name in row.python]
        verdict(f"{kind}: no name is there twice", sorted({name for name in names if names.count(name) > 1}))


def later_names():
    """Those of newer releases of Python, as the test of names knows them."""
    for statement in ast.parse(read("tests/lib/names.py")).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == "LATER":
            return ast.literal_eval(statement.value)
    raise SystemExit("FAIL tests/lib/names.py lists what later releases have")


def constants_are_there(tables):
    patterns = [pattern for row in tables["constants"] for pattern in row.python]
    known = {name: as_meant(name, int(getattr(socket, name))) for name in dir(socket) if is_constant(name)}
    every = {**later_names(), **known}
    verdict(f"every constant, {len(known)} of this Python and {len(set(every) - set(known))} of later ones, is of a kind in the table",
            [name for name in every if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)])
    verdict("every kind in the table has constants",
            [pattern for pattern in patterns if not fnmatch.filter(every, pattern) and pattern not in ("CMSG_*", "IPX_TYPE")])
    tool = Tool()
    verdict("sockd_constant() has Python's numbers for all of them",
            [f"{name}: {number}, not {tool.ask('constant', name)}" for name, number in every.items()
             if tool.ask("constant", name) != ["ok", str(number)]])
    tool.end()
    return every


def compile_c(text):
    """Compiles, links and runs; what was said where that fails."""
    libraries = os.path.join(build, "lib/.libs")
    library = os.path.join(libraries, "libsockd.so")
    symbols = subprocess.run(["nm", "-D", library], stdout=subprocess.PIPE, text=True).stdout
    sanitizers = (["-fsanitize=address,undefined"] if "__asan" in symbols else
                  ["-fsanitize=thread"] if "__tsan" in symbols else [])
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "table")
        with open(path + ".c", "w") as file:
            file.write(text)
        run = subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-Wall", "-Werror", *sanitizers, "-I", os.path.join(source, "lib"),
                              path + ".c", "-o", path, "-L", libraries, "-lsockd", "-Wl,-z,now"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode == 0:
            run = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 env={**os.environ, "LD_LIBRARY_PATH": libraries})
        return run.stdout.splitlines() if run.returncode == 0 else ["it does not compile or run:"] + run.stdout.splitlines()


def c_is_there(tables, every):
    rows = [row for kind in tables.values() for row in kind]
    headers = {header for row in rows for header in row.headers}
    text = ["#define _GNU_SOURCE 1"]
    # These come first: linux's headers then leave out what the C library has.
    first = ["sys/types.h", "sys/socket.h", "netinet/in.h", "net/if.h"]
    others = ["arpa/inet.h", "netdb.h", "sys/ioctl.h", "unistd.h", "poll.h", "string.h", "stdio.h", "errno.h",
              "linux/if_alg.h"]
    for header in [*first, *others, *sorted(headers - set(first) - set(others))]:
        text.append(f"#include <{header}>")
    text += ["static void (*volatile used)(void);", "int main(void)", "{"]
    functions = sorted({name for row in rows for name, parentheses in row.c if parentheses})
    numbers = sorted({name for row in rows for name, parentheses in row.c if not parentheses and name != "int"})
    for name in functions:
        text += [f"#ifndef {name}", f"\tused = (void (*)(void)){name};", "#endif"]
    text += [f"\t(void)({name});" for name in numbers]
    # Where a header has the constant as a macro, it is the same number, signed or not.
    for name, number in every.items():
        text += [f"#ifdef {name}", f"\tif ((unsigned)({name}) != (unsigned){number}LL) printf(\"{name}\\n\");", "#endif"]
    text += ["\treturn 0;", "}", ""]
    verdict(f"what the rows name for C is declared and can be linked: {len(functions)} functions, {len(numbers)} constants, "
            f"{len(headers)} headers", compile_c("\n".join(text)))


def read(path):
    with open(os.path.join(source, path)) as file:
        return file.read()


def tests_are_there(tables):
    wrong, not_run, skipped = [], [], []
    logs = os.environ.get("SOCKD_TEST_LOGS")
    rows = [row for kind in tables.values() for row in kind]
    for row in rows:
        try:
            texts = [read(path) for path in row.files]
        except OSError as error:
            wrong.append(f"{row.name}: {error}")
            continue
        test = row.files[0]
        if row.what != "*" and test.endswith(".c") and not re.search(rf"START_TEST\({row.what}\)", texts[0]):
            wrong.append(f"{row.name}: {test} has no test {row.what}")
        if row.what != "*" and test.endswith(".c") and not re.search(rf"tcase_add\w*\([^;]*\b{row.what}\b", texts[0]):
            wrong.append(f"{row.name}: {test} does not run {row.what}")
        for name, parentheses in row.c:
            if parentheses and not row.headers and not any(re.search(rf"\b{name}\b", text) for text in texts):
                wrong.append(f"{row.name}: {test} has nothing of {name}")
        if logs:
            log = os.path.join(logs, re.sub(r"\.(c|py|sh)$", "", test.removeprefix("tests/")).replace("/", "-"))
            try:
                with open(log + ".log") as file, open(log + ".status") as status:
                    said, status = file.read(), status.read().split()[0]
            except OSError:
                not_run.append(f"{row.name}: {test}")
                continue
            if status == "77":
                skipped.append(row.name)
            elif status != "0":
                not_run.append(f"{row.name}: {test} ended with {status}")
            elif test.endswith(".c"):
                if not re.search(r"^100%: Checks: [1-9]", said, re.M):
                    not_run.append(f"{row.name}: {test}")
            elif row.what != "*" and not re.search(rf"^ok .*{re.escape(row.what)}", said, re.M):
                # What needs root may be skipped all together, by another name.
                reason = re.search(rf"^SKIP (?:{re.escape(row.what)}: |.*: (?=needs root$))(.*)", said, re.M)
                if reason:
                    skip(f"{row.name} has been tried", reason[1])
                else:
                    not_run.append(f"{row.name}: {test} says nothing of {row.what}")
    verdict(f"the tests that the {len(rows)} rows claim are there and use what the rows name", wrong)
    if not logs:
        print("not looked at: that they have run, which make check does")
    else:
        verdict("and they have run", not_run)
    if skipped:
        skip("the tests of " + ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else ""), "they were skipped themselves")


tables = read_tables()
if set(tables) != {"functions", "methods", "constants"}:
    fail(f"the manual page has the three tables, not {sorted(tables)}")
    finish()
names_are_there(tables)
every = constants_are_there(tables)
c_is_there(tables, every)
tests_are_there(tables)
finish()
