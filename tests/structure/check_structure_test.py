"""What tools/check-structure must refuse, planted, and what it must let be.

Run by `tools/test structure`, or: python3 -m unittest discover -s tests/structure -p '*_test.py'
"""
import importlib.machinery
import importlib.util
import os
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def load():
    loader = importlib.machinery.SourceFileLoader(
        "check_structure", os.path.join(ROOT, "tools", "check-structure"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


check = load()


def faults_of(function, *arguments):
    faults = []
    function(*arguments, faults)
    return faults


class Arrows(unittest.TestCase):
    def test_every_folder_refuses_what_its_row_does_not_allow(self):
        for folder, allowed in check.ALLOWED.items():
            for target in check.ALLOWED:
                within = any(target == place or target.startswith(place + "/") for place in allowed | {folder})
                text = f'#include "{target}/planted.hpp"\n'
                faults = faults_of(check.check_cpp, f"{folder}/planted.cpp", text)
                self.assertEqual(bool(faults), not within, f"{folder} -> {target}")

    def test_an_import_against_the_direction(self):
        line = "import { Game } from '@redoubt/client';\n"
        self.assertTrue(faults_of(check.check_ts, "wasm/src/planted.ts", line))
        self.assertFalse(faults_of(check.check_ts, "web/game/src/planted.ts", line))

    def test_the_heavy_header(self):
        text = "#include <nlohmann/json.hpp>\n"
        self.assertTrue(faults_of(check.check_cpp, "engine/base/planted.hpp", text))
        self.assertFalse(faults_of(check.check_cpp, "engine/base/planted.cpp", text))


class HeavySources(unittest.TestCase):
    def test_who_sees_a_heavy_header_through_others_is_counted(self):
        most = check.HEAVY_SOURCES_MAX["boost/beast"]
        texts = {"relay/a.hpp": "#include <boost/beast/core.hpp>\n"}
        texts |= {f"relay/{i}.cpp": '#include "relay/a.hpp"\n' for i in range(most)}
        self.assertEqual(faults_of(check.check_heavy_sources, texts), [])
        texts["tests/relay/a_test.cpp"] = '#include "relay/a.hpp"\n'
        self.assertEqual(faults_of(check.check_heavy_sources, texts), [])
        texts["relay/more.cpp"] = '#include "relay/a.hpp"\n'
        self.assertEqual(faults_of(check.check_heavy_sources, texts),
                         [f"{most + 1} sources see <boost/beast...>; at most {most} may"])


def function_of(lines, head="int planted(int a) const {"):
    return head + "\n" + '  use("}{ \\" { //");\n' * lines + "}\n"


class FunctionLines(unittest.TestCase):
    def test_so_many_lines_are_taken_and_one_more_is_not(self):
        most = check.FUNCTION_LINES_MAX
        for head in ("int planted(int a) const {", "Planted::Planted(int a)\n    : a_(a) {",
                     "auto planted() -> std::string {"):
            path = "engine/base/planted.cpp"
            self.assertFalse(faults_of(check.check_function_lines, path, function_of(most, head)), head)
            self.assertEqual(len(faults_of(check.check_function_lines, path, function_of(most + 1, head))), 1, head)

    def test_a_class_a_namespace_and_a_table_are_no_functions(self):
        for head in ("namespace a {", "class A final : public B {", "constexpr int table[] = {"):
            self.assertFalse(faults_of(check.check_function_lines, "engine/base/planted.cpp", function_of(99, head)))

    def test_tests_may_be_long(self):
        self.assertFalse(faults_of(check.check_function_lines, "tests/a_test.cpp", function_of(99)))


class NamedFiles(unittest.TestCase):
    KNOWN = {"engine/base/json.hpp", "relay/contract/gate.hpp", "docs/models.md"}

    def faults(self, comment, path="relay/contract/planted.cpp"):
        return faults_of(check.check_named_files, path, comment, self.KNOWN)

    def test_what_is_there_by_any_name(self):
        for comment in ("// gate.hpp", "// contract/gate.hpp", "// relay/contract/gate.hpp", "// ../../docs/models.md",
                        "/* see engine/base/json.hpp */", "// https://example.org/a/b.json"):
            self.assertEqual(self.faults(comment), [], comment)

    def test_what_is_gone(self):
        self.assertEqual(self.faults("int a;\n// see\n// gone.hpp, for more\n"),
                         ["relay/contract/planted.cpp:3: the comment names gone.hpp, which is not there"])

    def test_what_stands_in_the_code_is_no_comment(self):
        self.assertEqual(self.faults('open("gone.json");\n'), [])


class UnusedDeclarations(unittest.TestCase):
    def unused(self, header, source="", other=""):
        texts = {"a/planted.hpp": header, "a/planted.cpp": source, "a/other.cpp": other}
        return [name for _, name in check.unused_declarations(texts)]

    def test_what_nobody_calls(self):
        self.assertEqual(self.unused("int planted();\n"), ["planted"])
        self.assertEqual(self.unused("int planted();\n", "int planted() { return 1; }\n"), ["planted"])
        self.assertEqual(self.unused("struct A {\n  int planted() const;\n};\n",
                                     "int A::planted() const { return 1; }\n", "// planted() is called\n"),
                         ["planted"])

    def test_what_somebody_calls(self):
        self.assertEqual(self.unused("int planted();\n", "int planted() { return 1; }\n", "int b = planted();\n"), [])
        self.assertEqual(self.unused("int planted() { return other(); }\nint other();\n", "int b = planted();\n"), [])


if __name__ == "__main__":
    unittest.main()
