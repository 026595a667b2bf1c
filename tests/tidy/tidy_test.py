"""The project is tidy, and every check can fail: it is fed a tree that breaks its rule, and one that does not."""

import stat
from pathlib import Path

import pytest

import tidy

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("check", tidy.CHECKS, ids=lambda check: check.__name__)
def test_the_project_is_tidy(check):
    findings = check(ROOT)
    assert not findings, "\n" + "\n".join(findings)


def test_the_readme_shows_what_the_program_prints():
    binary = tidy.program(ROOT)
    if not binary:
        pytest.skip("neither SSH_REFUSAL_EXPORTER nor build/release has a program")
    findings = tidy.check_readme(ROOT, binary)
    assert not findings, "\n" + "\n".join(findings)


@pytest.fixture
def tree(tmp_path):
    """Writes files into an empty tree and returns its top: tree({"exporter/base/a.h": "text"})."""
    def write(contents):
        for path, text in contents.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path
    return write


def only(findings, *words):
    """Exactly one finding, and it says all of these."""
    assert len(findings) == 1, findings
    for word in words:
        assert word in findings[0]
    return True


HEADER = "// What.\n#pragma once\n"

# check, path, text that is fine, text that is not, words of the finding
SINGLE_FILE = [
    (tidy.check_arrows, "exporter/web/a.h", '#include "web/a.h"\n', '#include "probe/b.h"\n', "may not include probe"),
    (tidy.check_arrows, "exporter/model/a.h", '#include "model/a.h"\n', '#include "config/b.h"\n', "may not include config"),
    (tidy.check_arrows, "exporter/base/a.h", '#include "base/a.h"\n', '#include "a.h"\n', "names no module"),
    (tidy.check_arrows, "exporter/base/a.h", '#include "base/a.h"\n', '#include "base/gone.h"\n', "does not exist"),
    (tidy.check_arrows, "exporter/base/a.h", "", '  #  include "model/b.h"\n', "may not include model"),
    (tidy.check_libraries, "exporter/config/a.cc", "#include <yaml-cpp/yaml.h>\n", "#include <zlib.h>\n", "belongs to web alone"),
    (tidy.check_libraries, "exporter/web/a.cc", '#include "CivetServer.h"\n', "#include <yaml-cpp/yaml.h>\n", "belongs to config"),
    (tidy.check_libraries, "exporter/base/a.cc", "#include <vector>\n#include <sys/epoll.h>\n", "#include <boost/any.hpp>\n", "library without a module"),
    (tidy.check_calls, "exporter/base/a.cc", 'f("system(1)"); // popen(x)\nx.system(1); my::rand();\n', 'std::system("x");\n', "system(): runs a shell"),
    (tidy.check_calls, "exporter/base/a.cc", "snprintf(a, 1, b); my_rand();\n", "sprintf(a, b);\n", "sprintf(): unbounded"),
    (tidy.check_calls, "tests/unit/base/a_test.cc", "brand(); operand (1);\n", "int x = rand ();\n", "a_test.cc:1: rand()"),
    (tidy.check_calls, "exporter/base/a.cc", "int n = 1'000; // system(\nchar c = 'x';\n", "n = 1'000; ::execvp(a, b); m = 2'0;\n", "execvp()"),
    (tidy.check_raw_memory, "exporter/base/a.cc", "#include <new>\nA(const A&) = delete; // new\nint newer;\n", "auto* x = new int;\n", "raw new"),
    (tidy.check_raw_memory, "exporter/base/a.cc", 'f("delete");\n', "delete x;\n", "raw delete"),
    (tidy.check_headers, "exporter/base/a.h", HEADER, "int x;\n#pragma once\n", "#pragma once is missing"),
    (tidy.check_headers, "tests/support/a.h", HEADER, HEADER + "using namespace std;\n", "a.h:3: using namespace"),
    (tidy.check_lines, "exporter/base/a.cc", "é" * 100 + "\n", "x" * 101 + "\n", "101 columns"),
    (tidy.check_whitespace, "exporter/base/a.cc", "int x;\n", "int x; \n", "trailing white space"),
    (tidy.check_whitespace, "alerts/a.yml", "a: b\n", "a:\tb\n", "a tab"),
    (tidy.check_whitespace, "tests/lab/a.py", "", "pass", "no newline at the end"),
    (tidy.check_top_level, "README.md", "", None, ""),
    (tidy.check_unit_tests, "exporter/web/check/a.cc", "", None, ""),
]


@pytest.mark.parametrize("check,path,fine,bad,words", SINGLE_FILE)
def test_a_check_tells_fine_from_bad(tree, check, path, fine, bad, words):
    assert check(tree({path: fine})) == []
    if bad is not None:
        assert only(check(tree({path: bad})), words)


def test_a_new_module_needs_arrows(tree):
    assert only(tidy.check_arrows(tree({"exporter/novel/a.cc": ""})), "module novel has no arrows")


def test_main_includes_app_alone(tree):
    root = tree({"exporter/main.cc": '#include "app/a.h"\n#include "web/b.h"\n', "exporter/app/a.h": "",
                 "exporter/web/b.h": ""})
    assert only(tidy.check_arrows(root), "main.cc may not include web")


def test_a_generated_header_may_come_from_a_template(tree):
    root = tree({"exporter/app/a.cc": '#include "app/info.h"\n', "exporter/app/info.h.in": ""})
    assert tidy.check_arrows(root) == []


def test_an_entry_of_the_top_level_that_nobody_agreed_to(tree):
    assert only(tidy.check_top_level(tree({"notes.txt": "", "build/x": ""})), "notes.txt")


def test_permission_for_raw_memory_lapses(tree):
    path = next(iter(tidy.RAW_MEMORY))
    assert tidy.check_raw_memory(tree({path: "p.reset(new X);\n"})) == []
    assert only(tidy.check_raw_memory(tree({path: "int x;\n"})), "drop it from RAW_MEMORY")


def body(lines):
    return "{\n" + "  f();\n" * (lines - 2) + "}\n"


LONG = [
    ("void f() ", ""),
    ("int A::g(int x = 3) const noexcept ", ""),
    ("auto h() -> std::vector<int> ", ""),
    ("A::A(int x) : x_{x}, y_(x) ", ""),
    ("bool operator==(const A& a, const A& b) ", ""),
    ("TEST(a, b) ", ""),
    ("namespace a {\nclass B : public C {\n  void f() ", "};\n}\n"),
    ("template <typename T, typename A = B<T>, int n = 3>\nvoid f() ", ""),
    ("#define BRACE \\\n  {\nvoid f() ", ""),
]


@pytest.mark.parametrize("before,after", LONG)
def test_a_function_has_seventy_lines_at_most(tree, before, after):
    path = "exporter/base/a.cc"
    assert tidy.check_functions(tree({path: before + body(70) + after})) == []
    assert only(tidy.check_functions(tree({path: before + body(71) + after})), "a function of 71 lines")


@pytest.mark.parametrize("long", [
    "namespace a " + body(200),
    "enum class E : int " + body(90).replace("f();", "f,"),
    "constexpr auto kTable = make({\n" + "  {1, 2},\n" * 90 + "});\n",
    "struct S {\n" + "  void f() { g(); }\n" * 90 + "};\n",
])
def test_tables_and_types_may_be_longer(tree, long):
    assert tidy.check_functions(tree({"exporter/base/a.cc": long})) == []


def test_two_functions_are_counted_apart(tree):
    path = "exporter/base/a.cc"
    text = "void f() " + body(60) + "\nvoid g() " + body(60)
    assert tidy.check_functions(tree({path: text})) == []
    lengths = [length for _, length in tidy.functions(text)]
    assert lengths == [60, 60]


def test_main_is_a_table_of_contents(tree):
    assert tidy.check_functions(tree({"exporter/main.cc": "\n" * 70})) == []
    assert only(tidy.check_functions(tree({"exporter/main.cc": "\n" * 71})), "main.cc")


def test_every_source_has_its_unit_test(tree):
    root = tree({"exporter/base/a.cc": ""})
    assert only(tidy.check_unit_tests(root), "no tests/unit/base/a_test.cc")
    assert tidy.check_unit_tests(tree({"tests/unit/base/a_test.cc": ""})) == []


def test_an_exception_that_is_none_any_more(tree, monkeypatch):
    monkeypatch.setattr(tidy, "TESTED_ELSEWHERE", {"exporter/base/a.cc": "reason"})
    root = tree({"exporter/base/a.cc": ""})
    assert tidy.check_unit_tests(root) == []
    assert only(tidy.check_unit_tests(tree({"tests/unit/base/a_test.cc": ""})), "although it has")


CAUSE_TABLE = '    {Cause::none, "none", Layer::none},\n    {Cause::sad, "sad", Layer::dns,\n     "Text."},\n'


def test_every_cause_has_scenario_and_runbook(tree):
    root = tree({"exporter/model/cause.cc": CAUSE_TABLE, "tests/scenario/none_test.cc": "",
                 "alerts/runbooks/a.md": "about `sad`"})
    assert only(tidy.check_causes(root), "sad: no tests/scenario/sad_test.cc")
    assert tidy.check_causes(tree({"tests/scenario/sad_test.cc": ""})) == []
    assert only(tidy.check_causes(tree({"alerts/runbooks/a.md": "sad"})), "sad: in no runbook")
    tree({"alerts/runbooks/a.md": "`sad`"})
    assert only(tidy.check_causes(tree({"tests/scenario/glad_test.cc": ""})), "names no cause")


def test_a_cause_table_that_cannot_be_read_is_a_finding(tree):
    assert only(tidy.check_causes(tree({"exporter/model/cause.cc": ""})), "no cause found")


METRIC_TABLE = ('    {{"ssh_ok", kGauge, "cause",\n      "Help."},\n'
                '    {{"ssh_times_seconds", kHistogram, "", "Help."}, f},\n')


@pytest.mark.parametrize("path", ["dashboards/a.json", "dashboards/deep/a.json", "alerts/a.yml",
                                  "alerts/tests/a.yml"])
def test_dashboards_and_alerts_use_metrics_that_exist(tree, path):
    root = tree({"exporter/model/cause.cc": CAUSE_TABLE, "exporter/metrics/table.cc": METRIC_TABLE})
    fine = 'sum by (cause) (ssh_ok{job="ssh_refusal_exporter"}) rate(ssh_times_seconds_bucket[5m])\n'
    assert tidy.check_metrics(tree({path: fine})) == []
    for bad in ("ssh_gone", "ssh_ok_bucket", "sshd_up", "process_luck"):
        assert only(tidy.check_metrics(tree({path: f'expr: "{bad} > 1"\n'})), bad)
    assert root


def test_a_metric_table_that_cannot_be_read_is_a_finding(tree):
    root = tree({"exporter/model/cause.cc": CAUSE_TABLE, "exporter/metrics/table.cc": ""})
    assert only(tidy.check_metrics(root), "no row")


@pytest.fixture
def program(tmp_path_factory):
    """Prints "| a |" for every reference but `bad`, and fails for that one."""
    path = tmp_path_factory.mktemp("program") / "program"
    path.write_text('#!/bin/sh\n[ "$2" = bad ] && exit 1\necho "| $2 |"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def section(kind, text):
    return f"<!-- begin generated: {kind} -->\n\n{text}\n\n<!-- end generated -->\n"


def test_readme_sections_are_compared(tree, program):
    fine = "".join(section(kind, f"| {kind} |") for kind in ("config", "metrics", "causes"))
    assert tidy.check_readme(tree({"README.md": fine}), program) == []
    stale = fine.replace("| metrics |", "| metric |")
    assert only(tidy.check_readme(tree({"README.md": stale}), program), "section metrics differs")
    gone = fine.replace("generated: causes", "generated: bad")
    findings = tidy.check_readme(tree({"README.md": gone}), program)
    assert "README.md: no generated section causes" in findings
    assert any("`reference bad` failed" in finding for finding in findings)


def test_readme_sections_are_filled(tree, program):
    stale = "before\n" + "".join(section(kind, "") for kind in ("config", "metrics", "causes")) + "after\n"
    root = tree({"README.md": stale})
    tidy.update_readme(root, program)
    assert tidy.check_readme(root, program) == []
    text = (root / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n")
    tidy.update_readme(root, program)
    assert (root / "README.md").read_text(encoding="utf-8") == text


def test_a_missing_readme_is_a_finding(tree, program):
    assert only(tidy.check_readme(tree({}), program), "README.md: missing")
