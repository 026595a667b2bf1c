"""Style and architecture, checked: each check takes the top of a source tree and returns its findings.

As a program: prints every finding and exits 1 if there is one. With --update-readme it first fills the
generated sections of README.md from the release build."""

import os
import re
import subprocess
import sys
from pathlib import Path

# Who may include whom: the arrows of the architecture. Downwards only; siblings never.
ARROWS = {
    "base": set(),
    "model": {"base"},
    "config": {"model", "base"},
    "probe": {"config", "model", "base"},
    "firewall": {"config", "model", "base"},
    "local": {"firewall", "config", "model", "base"},
    "cloud": {"config", "model", "base"},
    "diagnose": {"model", "base"},
    "metrics": {"model", "base"},
    "web": {"metrics", "model", "base"},
    "app": {"probe", "local", "firewall", "cloud", "diagnose", "metrics", "web", "config", "model",
            "base"},
    "main.cc": {"app"},
}

# Each library is known to these modules alone: to replace one means to edit one directory.
LIBRARIES = {
    r"yaml-cpp/": {"config"},
    r"prometheus/": {"metrics"},
    r"civetweb\.h|CivetServer\.h": {"web"},
    r"openssl/": {"web"},
    r"crypt\.h": {"web"},
    r"zlib\.h": {"web"},
    r"ares.*\.h": {"probe"},
    r"CLI/": {"app"},
    # The page's JSON and the command line's.
    r"nlohmann/": {"web", "app"},
    # sd_notify belongs to the process, units and journal to the collectors.
    r"systemd/": {"app", "local"},
    r"spdlog/": {"base"},
    r"libmnl/": {"firewall", "local"},
    # Patterns meet log lines that strangers write: matching must take linear time.
    r"re2/": {"local"},
    r"libssh/": {"probe"},
    r"curl/": {"cloud"},
    r"pugixml\.hpp": {"cloud"},
}

STANDARD_C = set("""assert.h ctype.h dirent.h elf.h errno.h fcntl.h fnmatch.h getopt.h glob.h grp.h ifaddrs.h
limits.h locale.h malloc.h math.h netdb.h poll.h pthread.h pwd.h sched.h signal.h spawn.h stdarg.h
stddef.h stdint.h stdio.h stdlib.h string.h strings.h syslog.h termios.h time.h unistd.h""".split())
SYSTEM = re.compile(r"(sys|netinet|arpa|net|linux|bits)/[a-z0-9_/]+\.h|[a-z_0-9]+")

FORBIDDEN_CALLS = {
    "popen": "runs a shell", "system": "runs a shell", "execl": "use the one helper that runs programs",
    "execlp": "use the one helper that runs programs", "execle": "use the one helper that runs programs",
    "execv": "use the one helper that runs programs", "execvp": "use the one helper that runs programs",
    "execvpe": "use the one helper that runs programs", "execve": "use the one helper that runs programs",
    "sprintf": "unbounded", "vsprintf": "unbounded", "strcpy": "unbounded", "strcat": "unbounded",
    "gets": "unbounded", "rand": "use <random>", "srand": "use <random>",
    "strtok": "shares state between threads",
}

# The one helper that runs programs.
RUNS_PROGRAMS = "exporter/local/program.cc"

# Raw new and delete, and why values and unique_ptr cannot do.
RAW_MEMORY = {
    "exporter/web/server.cc": "make_unique cannot reach the private constructor",
    "exporter/base/log.cc": "outlives every static object on purpose",
}

# Sources without tests/unit/<module>/<file>_test.cc, and where they are tested instead.
TESTED_ELSEWHERE = {
    "exporter/main.cc": "tests/lab runs the program",
    "exporter/app/terminal.cc": "tests/unit/app: inspect_command_test.cc and diagnose_command_test.cc",
    "exporter/local/collectors.cc": "tests/unit/app/inspect_command_test.cc runs the whole table",
    # Signals, descriptors and sockets of a whole process.
    "exporter/app/serve.cc": "tests/lab/test_serve.py: start, signals, reload, end, bad input",
    # The option table and what it is made of have one door, the configuration's text.
    "exporter/config/options.cc": "tests/unit/config/configuration_test.cc reads and prints each row",
    "exporter/config/section.cc": "tests/unit/config/configuration_test.cc",
    "exporter/config/value.cc": "tests/unit/config/configuration_test.cc: each type, good and bad",
    "exporter/config/target_set.cc": "tests/unit/config/configuration_test.cc and file_sd_test.cc",
    # Tables whose use is a page.
    "exporter/metrics/own_metrics.cc": "tests/golden: every row",
    "exporter/metrics/host_metrics.cc": "tests/golden: every row",
    "exporter/metrics/target_metrics.cc": "tests/golden: every row",
    "exporter/web/connection_guard.cc": "tests/unit/web/server_test.cc: half-open connections",
}

TOP_LEVEL = {
    ".ci", ".clang-format", ".clang-tidy", ".dockerignore", ".editorconfig", ".gitattributes",
    ".gitignore", "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "Dockerfile", "LICENSE",
    "README.md", "alerts", "config", "dashboards", "exporter", "scripts", "tests",
}
NOT_OURS = {".git", ".cache", ".pytest_cache", ".vscode", ".idea", "__pycache__", "build",
            "compile_commands.json"}

COLUMN_LIMIT = 100
FUNCTION_LIMIT = 70
MAIN_LIMIT = 70


# --- reading -------------------------------------------------------------------------------------

def files(root, *patterns, below=("exporter", "tests")):
    """Relative paths below the directories, sorted; fixtures and golden files are data, not sources."""
    found = set()
    for top in below:
        for pattern in patterns:
            found.update((root / top).rglob(pattern))
    relative = sorted(path.relative_to(root).as_posix() for path in found if path.is_file())
    skipped = ("tests/fixtures/", "tests/golden/", "tests/fuzz/corpus/")
    return [path for path in relative
            if (not path.startswith(skipped) or path.endswith((".cc", ".h")))
            and not NOT_OURS & set(path.split("/"))]


def text_of(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def code_of(text):
    """The text with comments and literals blanked; every line keeps its number."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return TOKENS.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line number, header, whether in quotes)"""
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', text, re.M):
        yield line_of(text, match.start()), match.group(1) or match.group(2), bool(match.group(1))


# --- architecture --------------------------------------------------------------------------------

def module_of(path):
    return path.split("/")[1]


def check_arrows(root):
    findings = []
    for path in files(root, "*.h", "*.cc", below=("exporter",)):
        module = module_of(path)
        if module not in ARROWS:
            findings.append(f"{path}: module {module} has no arrows in tests/tidy/tidy.py")
            continue
        for line, header, quoted in includes(text_of(root, path)):
            if not quoted or library_of(header):
                continue
            target = header.split("/")[0]
            if "/" not in header or target not in ARROWS:
                findings.append(f"{path}:{line}: include \"{header}\" names no module")
            elif target != module and target not in ARROWS[module]:
                findings.append(f"{path}:{line}: {module} may not include {target} (\"{header}\")")
            elif not any((root / "exporter" / (header + end)).exists() for end in ("", ".in")):
                findings.append(f"{path}:{line}: \"{header}\" does not exist")
    return findings


def library_of(header):
    return next((pattern for pattern in LIBRARIES if re.match(pattern, header)), None)


def check_libraries(root):
    findings = []
    for path in files(root, "*.h", "*.cc", below=("exporter",)):
        for line, header, quoted in includes(text_of(root, path)):
            library = library_of(header)
            if library and module_of(path) not in LIBRARIES[library]:
                allowed = " and ".join(sorted(LIBRARIES[library]))
                findings.append(f"{path}:{line}: <{header}> belongs to {allowed} alone")
            elif not library and not quoted:
                if header not in STANDARD_C and not SYSTEM.fullmatch(header):
                    findings.append(f"{path}:{line}: <{header}> is a library without a module")
    return findings


def check_top_level(root):
    return [f"{name}: not among the agreed entries of the top level"
            for name in sorted(os.listdir(root)) if name not in TOP_LEVEL | NOT_OURS]


# --- calls and layout ----------------------------------------------------------------------------

def check_calls(root):
    findings = []
    # Not a member's name, nor one qualified by anything but std.
    names = "|".join(FORBIDDEN_CALLS)
    call = re.compile(rf"(?<![\w.>:])(?:std\s*::\s*|::\s*)?({names})\s*\(")
    for path in files(root, "*.h", "*.cc"):
        code = code_of(text_of(root, path))
        for match in call.finditer(code):
            name = match.group(1)
            if path == RUNS_PROGRAMS and name.startswith("exec"):
                continue
            findings.append(f"{path}:{line_of(code, match.start(1))}: {name}(): {FORBIDDEN_CALLS[name]}")
    return findings


def check_raw_memory(root):
    findings = []
    raw = re.compile(r"(?<![\w#])(?:new\b(?!\s*>)|delete\b)")
    used = set()
    for path in files(root, "*.h", "*.cc", below=("exporter",)):
        code = re.sub(r"=\s*delete\b", " ", code_of(text_of(root, path)))
        for match in raw.finditer(code):
            if path in RAW_MEMORY:
                used.add(path)
            else:
                findings.append(f"{path}:{line_of(code, match.start())}: raw {match.group()}")
    for path in sorted(set(RAW_MEMORY) - used):
        if (root / path).exists():
            findings.append(f"{path}: no raw memory any more: drop it from RAW_MEMORY")
    return findings


def check_headers(root):
    findings = []
    for path in files(root, "*.h"):
        code = code_of(text_of(root, path))
        if not re.match(r"\s*#pragma once\b", code):
            findings.append(f"{path}:1: #pragma once is missing, or not the first line of code")
        for match in re.finditer(r"\busing\s+namespace\b", code):
            findings.append(f"{path}:{line_of(code, match.start())}: using namespace in a header")
    return findings


def check_lines(root):
    findings = []
    for path in files(root, "*.h", "*.cc"):
        for number, line in enumerate(text_of(root, path).split("\n"), 1):
            if len(line) > COLUMN_LIMIT:
                findings.append(f"{path}:{number}: {len(line)} columns, more than {COLUMN_LIMIT}")
    return findings


def check_whitespace(root):
    findings = []
    sources = files(root, "*.h", "*.cc", "*.py", "*.cmake", "CMakeLists.txt", "*.yml", "*.sh",
                    below=("exporter", "tests", "alerts", "config", "dashboards"))
    for path in sources:
        text = text_of(root, path)
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                findings.append(f"{path}:{number}: a tab")
            if line != line.rstrip():
                findings.append(f"{path}:{number}: trailing white space")
        if text and not text.endswith("\n"):
            findings.append(f"{path}: no newline at the end")
    return findings


TEMPLATE = re.compile(r"template\s*<(?:[^<>]|<[^<>]*>)*>")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)


def heads_function(head):
    """Whether the code before an opening brace is a function's signature."""
    head = TEMPLATE.sub("", head)
    if re.search(r"\b(namespace|class|struct|union|enum)\b[^()]*$", head):
        return False
    paren = head.find("(")
    if paren < 0:
        return False
    before = re.sub(r"operator\s*[=!<>+\-*/|&]+", "operator", head[:paren])
    return "=" not in before and not re.search(r"\breturn\b", before)


def functions(code):
    """(first line, number of lines) of each function body that is no lambda and no local block."""
    code = DIRECTIVE.sub(lambda match: "\n" * match.group().count("\n"), code)
    open_blocks = []  # (is a function, offset of its brace)
    inside = 0
    start = 0
    for match in re.finditer(r"[{};]", code):
        offset = match.start()
        if match.group() == "{":
            function = inside == 0 and heads_function(code[start:offset])
            inside += function
            open_blocks.append((function, offset))
        elif match.group() == "}" and open_blocks:
            function, begin = open_blocks.pop()
            if function:
                inside -= 1
                # A member initialised in braces: the body is still to come.
                if not re.match(r"\s*[,{]", code[offset + 1:]):
                    first = line_of(code, begin)
                    yield first, line_of(code, offset) - first + 1
                else:
                    continue
        start = offset + 1


def check_functions(root):
    findings = []
    for path in files(root, "*.h", "*.cc"):
        for line, length in functions(code_of(text_of(root, path))):
            if length > FUNCTION_LIMIT:
                findings.append(f"{path}:{line}: a function of {length} lines, more than {FUNCTION_LIMIT}")
    main = root / "exporter" / "main.cc"
    if main.exists() and text_of(root, "exporter/main.cc").count("\n") > MAIN_LIMIT:
        findings.append(f"exporter/main.cc: more than {MAIN_LIMIT} lines: it is a table of contents")
    return findings


# --- completeness --------------------------------------------------------------------------------

def check_unit_tests(root):
    findings = []
    for path in files(root, "*.cc", below=("exporter",)):
        parts = path.split("/")
        # exporter/<module>/check/ holds programs for the build, not parts of the module.
        if len(parts) > 3 and parts[2] == "check":
            continue
        test = root / "tests" / "unit" / "/".join(parts[1:-1]) / (Path(path).stem + "_test.cc")
        if test.exists() == (path in TESTED_ELSEWHERE):
            findings.append(f"{path}: in TESTED_ELSEWHERE although it has a unit test" if test.exists()
                            else f"{path}: no {test.relative_to(root)}")
    return findings


def causes(root):
    rows = re.findall(r'\{Cause::(\w+),\s*"(\w+)"', text_of(root, "exporter/model/cause.cc"))
    return [name for _, name in rows]


def check_causes(root):
    names = causes(root)
    findings = [] if names else ["exporter/model/cause.cc: no cause found"]
    runbooks = "".join(text_of(root, path) for path in files(root, "*.md", below=("alerts/runbooks",)))
    for name in names:
        if not (root / "tests/scenario" / f"{name}_test.cc").exists():
            findings.append(f"{name}: no tests/scenario/{name}_test.cc")
        if name != "none" and f"`{name}`" not in runbooks:
            findings.append(f"{name}: in no runbook of alerts/runbooks")
    for path in sorted((root / "tests/scenario").glob("*_test.cc")):
        if path.name.removesuffix("_test.cc") not in names:
            findings.append(f"tests/scenario/{path.name}: names no cause")
    return findings


def metric_table(root):
    """name → type, from the rows of the metric tables."""
    table = {}
    for path in files(root, "*.cc", below=("exporter/metrics",)):
        for name, kind in re.findall(r'\{\s*"([a-z_]+)",\s*k?(?:MetricType::)?(\w+),',
                                     text_of(root, path)):
            table[name] = kind.lower()
    return table


# What looks like a metric's name in a dashboard, a rule or a test, and is none.
NO_METRICS = {"ssh_refusal_exporter", "ssh_refusal"}


def check_metrics(root):
    table = metric_table(root)
    findings = [] if table else ["exporter/metrics: no row of a metric table found"]
    known = set(table) | NO_METRICS | set(causes(root))
    for name, kind in table.items():
        if kind == "histogram":
            known.update(name + suffix for suffix in ("_bucket", "_sum", "_count"))
    for path in files(root, "*.json", "*.yml", below=("dashboards", "alerts")):
        text = text_of(root, path)
        for match in re.finditer(r"(?<![\w:/.-])(?:sshd?|process)_\w+(?![\w:-])", text):
            if match.group() not in known:
                findings.append(f"{path}:{line_of(text, match.start())}: "
                                f"{match.group()} is in no metric table")
    return findings


GENERATED = re.compile(r"(<!-- begin generated: (\w+) -->\n)(.*?)(<!-- end generated -->)", re.S)


def reference(binary, kind):
    return subprocess.run([binary, "reference", kind], capture_output=True, text=True, timeout=60,
                          check=False)


def update_readme(root, binary):
    def fill(match):
        return f"{match[1]}\n{reference(binary, match[2]).stdout.strip()}\n\n{match[4]}"
    readme = root / "README.md"
    readme.write_text(GENERATED.sub(fill, readme.read_text(encoding="utf-8")), encoding="utf-8")


def check_readme(root, binary):
    """README's reference sections are what the program prints."""
    if not (root / "README.md").exists():
        return ["README.md: missing"]
    sections = [match.group(2, 3) for match in GENERATED.finditer(text_of(root, "README.md"))]
    findings = [f"README.md: no generated section {kind}"
                for kind in ("config", "metrics", "causes") if kind not in dict(sections)]
    for kind, body in sections:
        run = reference(binary, kind)
        if run.returncode != 0:
            findings.append(f"README.md: `reference {kind}` failed: {run.stderr.strip()}")
        elif run.stdout.strip() != body.strip():
            findings.append(f"README.md: section {kind} differs from `reference {kind}`")
    return findings


CHECKS = [check_arrows, check_libraries, check_top_level, check_calls, check_raw_memory, check_headers,
          check_lines, check_whitespace, check_functions, check_unit_tests, check_causes, check_metrics]


def program(root):
    """The exporter that SSH_REFUSAL_EXPORTER names, or the release build; None if there is none."""
    built = root / "build" / "release" / "ssh_refusal_exporter"
    return os.environ.get("SSH_REFUSAL_EXPORTER") or (str(built) if built.exists() else None)


def main():
    root = Path(__file__).resolve().parents[2]
    binary = program(root)
    if sys.argv[1:] == ["--update-readme"] and binary:
        update_readme(root, binary)
    findings = [finding for check in CHECKS for finding in check(root)]
    if binary:
        findings += check_readme(root, binary)
    else:
        print("README's generated sections are not checked: build the release preset first")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
