#!/usr/bin/env python3
"""Runs `redoubt workflow` as its users do, and kills it at moments of chance.

    tests/cli/workflow_test.py PATH_TO_REDOUBT
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

REDOUBT = ""
TIMEOUT_S = 300  # a bound, not a measure
ROUNDS = 12  # runs that are killed again and again
KILLS_MAX = 60  # in one run; then it is let go on

REQUEST = {
    "team_id": "red",
    "territory_control": {"red": 20, "blue": 45},
    "resources": {"red": {"energy": 40, "materials": 40, "data": 40},
                  "blue": {"energy": 10, "materials": 0, "data": 2.8}},
    "agents": {"red": [{"id": 0, "type": "collector", "health": 100, "x": 1, "y": 2}], "blue": []},
    "resource_distribution": {"energy": 6, "materials": 5, "data": 4, "total": 15},
}

BOOKING = """
name: booking
llms: {fast: {_type: openai}}
functions:
  book: {_type: command, class: once, command: [python3, BOOK]}
state:
  seen: {reducer: append}
workflow:
  - for_each: input.places
    as: place
    at_once: 3
    do:
      - {id: name, model: fast, prompt: "Name {{ place }}", retry: {attempts: 2, initial: 5ms}}
      - {id: pay, tool: book, with: {place: "{{ place }}"}, unknown: ask}
      - {set: {seen: {place: "{{ place }}", name: "{{ steps.name.text }}", paid: "{{ steps.pay.paid }}"}}}
  - {id: rest, wait: {for: 20ms}}
  - {id: last, model: fast, prompt: "Sum up {{ state.seen | length }}", fallback: {emit: none}}
result: {seen: "{{ state.seen }}", last: "{{ steps.last.text }}"}
"""
BOOK = """
import json, os, sys
request = json.load(sys.stdin)
file = os.open(LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(file, (os.environ["REDOUBT_KEY"] + "\\n").encode())
print(json.dumps({"paid": request["place"]}))
"""
SCRIPT = [{"match": "Name", "text": "a name", "delay_ms": 15}, {"match": "Sum", "text": "a sum"}]
PLACES = {"places": ["Oslo", "Rome", "Lima", "Bern", "Riga"]}


def run(*arguments, given=""):
    done = subprocess.run([REDOUBT, "workflow", *arguments], input=given, capture_output=True,
                          text=True, timeout=TIMEOUT_S)
    return done.returncode, done.stdout, done.stderr


class Workflow(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def test_help_names_every_command(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for command in ["check", "run", "replay", "show", "bundle", "template"]:
            self.assertIn(command, out)
            self.assertEqual(run(command, "--help")[0], 0)
        self.assertEqual(run("check")[0], 2)
        self.assertEqual(run("run", "team_strategy", "--seed", "x")[0], 2)

    def test_check_prints_every_fault_with_its_place(self):
        file = self.write("bad.yaml", "name: bad\nworkflow:\n  - {id: a, modle: x}\n"
                                      "  - {id: b, builtin: no.such}\n")
        code, out, err = run("check", file)
        self.assertEqual((code, out), (1, ""))
        places = re.findall(re.escape(file) + r":(\d+):\d+: ", err)
        self.assertEqual(sorted(set(places)), ["3", "4"])
        self.assertIn("the step has no kind; did you mean \"model\"?", err)
        self.assertIn("(expected one that is declared)", err)
        self.assertRegex(run("check", "team_strategy")[1], r"\n\d+ steps, 1 model, 0 tools, 0 agents, ")
        code, out, _ = run("check", "team_strategy", "--json")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["name"], "team_strategy")
        self.assertEqual(run("check", self.path("none.yaml"))[0], 2)

    def test_a_file_names_variables_of_the_environment(self):
        file = self.write("env.yaml", "name: env\nllms:\n  fast:\n    _type: openai\n"
                          "    model_name: ${MODEL_NAME:-\"small/one\"}\n    api_key: ${NIM_API_KEY}\n"
                          "    temperature: ${TEMPERATURE:-0.5}\n"
                          "workflow:\n  - {id: a, model: fast, prompt: \"Hi ${WHO}\",\n"
                          "     fallback: {emit: x}}\nresult: \"${WHO} $${WHO}\"\n")
        journal = self.path("j")
        environment = {**os.environ, "WHO": "Ada", "NIM_API_KEY": "sk-hidden"}

        def run_in(environment, *arguments):
            done = subprocess.run([REDOUBT, "workflow", *arguments], capture_output=True, text=True,
                                  timeout=TIMEOUT_S, env=environment)
            return done.returncode, done.stdout, done.stderr

        code, out, err = run_in(environment, "run", file, "--journal", journal)
        self.assertEqual((code, json.loads(out)), (0, "Ada ${WHO}"))
        self.assertIn(file + ":6:14: warning: api_key is left out", err)
        with open(journal + ".workflow.json") as one, open(journal, "rb") as other:
            pinned, events = one.read(), other.read().decode("latin-1")
        self.assertEqual(json.loads(pinned)["llms"]["fast"],
                         {"_type": "openai", "model_name": "small/one", "temperature": 0.5})
        for kept in [pinned, events, out, err]:
            self.assertNotIn("sk-hidden", kept)
        # What a journal keeps is not expanded again.
        self.assertEqual(run_in(environment, "show", "--journal", journal)[0], 0)
        del environment["WHO"]
        code, out, err = run_in(environment, "run", file)
        self.assertEqual((code, out), (1, ""))
        self.assertIn(file + ":9:38: the variable WHO is not set: set it, or write ${WHO:-default}",
                      err)
        code, _, err = run_in(environment, "check", file, "--json")
        self.assertEqual(json.loads(err.splitlines()[-1])["code"], "unset_variable")

    def test_what_yaml_1_1_reads_otherwise_is_said(self):
        file = self.write("old.yaml", "name: old\nworkflow:\n  - {emit: a, with: {sure: yes}}\n")
        code, _, err = run("check", file)
        self.assertEqual(code, 0)
        self.assertIn(file + ":3:28: warning: yes is the text \"yes\" here", err)
        warning = json.loads(run("check", file, "--json")[2])
        self.assertEqual((warning["code"], warning["warning"]), ("yaml_note", True))
        self.assertIn("warning: yes", run("run", file)[2])
        self.assertEqual(run("run", file, "--json")[2], "")
        file = self.write("merge.yaml", "name: m\nx: &x {a: 1}\nworkflow:\n  - <<: *x\n    emit: a\n")
        code, _, err = run("check", file)
        self.assertEqual(code, 1)
        self.assertIn(file + ":4:5: << merges mappings in YAML 1.1 only", err)

    def test_files_of_nemo_agent_toolkit_run(self):
        head = ("general:\n  use_uvloop: true\n"
                "llms:\n  big: {_type: nim, model_name: some/model, temperature: 0.0}\n"
                "functions:\n"
                "  shout: {_type: command, description: Says it loudly., command: [sh, -c, 'tr a-z A-Z']}\n"
                "  same: {_type: command, command: [cat]}\n"
                "  helper: {_type: react_agent, llm_name: big, tool_names: [same]}\n")
        workflows = {
            "react_agent": "  llm_name: big\n  tool_names: [shout]\n  verbose: true\n",
            "tool_calling_agent": "  llm_name: big\n  tool_names: [shout]\n  max_iterations: 4\n",
            "rewoo_agent": "  llm_name: big\n  tool_names: [shout]\n",
            "reasoning_agent": "  llm_name: big\n  augmented_fn: helper\n",
            "chat_completion": "  llm_name: big\n  system_prompt: Be short.\n",
            "sequential_executor": "  tool_list: [same, shout]\n",
            "parallel_executor": "  tool_list: [same, shout]\n",
            "router_agent": "  llm_name: big\n  branches: [same, shout]\n",
        }
        expected = {"sequential_executor": "HI", "parallel_executor": {"same": "hi", "shout": "HI"},
                    "router_agent": "HI", "chat_completion": "no tool"}
        script = self.write("model.json", json.dumps([
            {"match": "Choose", "json": {"branch": "shout"}},
            {"match": "role\":\"tool", "text": "told"},
            {"match": "Make a short plan", "text": "1. shout"},
            {"match": "tools\":[{\"name\":\"same",
             "tool_calls": [{"id": "1", "name": "same", "arguments": {"text": "hi"}}]},
            {"match": "tools\":[{\"description",
             "tool_calls": [{"id": "1", "name": "shout", "arguments": {"text": "hi"}}]},
            {"text": "no tool"}]))
        for kind, members in workflows.items():
            file = self.write(kind + ".yaml", head + "workflow:\n  _type: " + kind + "\n" + members)
            code, out, err = run("run", file, "--input", "\"hi\"", "--commands", "--model",
                                 "script:" + script, "--json")
            self.assertEqual((kind, code, err), (kind, 0, ""))
            self.assertEqual(json.loads(out)["outcome"], expected.get(kind, "told"), kind)
        err = run("check", self.path("react_agent.yaml"))[2]
        self.assertIn("react_agent.yaml:1:1: warning: general: has no effect here", err)
        self.assertIn("react_agent.yaml:9:1: warning: workflow: without effect here: verbose", err)

    def test_what_a_file_of_the_toolkit_cannot_be_says_how_to_write_it(self):
        file = self.write("nat.yaml", "llms: {big: {_type: nim}}\nfunctions:\n"
                          "  math: {_type: tool_calling_agent, llm_name: big}\n"
                          "workflow:\n  _type: react_agent\n  llm_name: big\n  tool_names: [math]\n"
                          "  return_direct: [math]\n")
        code, _, err = run("check", file)
        self.assertEqual(code, 1)
        self.assertIn(file + ":7:3: workflow.tool_names: an agent cannot be a tool here", err)
        self.assertIn("handoffs: [math]", err)
        self.assertIn(file + ":8:3: workflow.return_direct: ", err)
        file = self.write("own.yaml", "workflow:\n  _type: react_agnet\n")
        self.assertIn("did you mean \"react_agent\"?", run("check", file)[2])

    def test_run_is_answered_by_the_strategist_or_by_the_script(self):
        code, out, _ = run("run", "team_strategy", "--input", json.dumps(REQUEST))
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["answer"]["source"], "engine")
        plan = {"strategy": "economic", "focus": "resources", "priorities": ["collect_data"],
                "description": "Data first."}
        script = self.write("model.json", json.dumps([{"match": "plan", "json": plan}]))
        code, out, _ = run("run", "team_strategy", "--input", json.dumps(REQUEST),
                           "--model", "script:" + script)
        self.assertEqual(json.loads(out), {"answer": plan, "source": "model"})
        self.assertEqual(run("run", "team_strategy", "--input", "{")[0], 2)
        self.assertEqual(run("run", "team_strategy", "--input", "{}")[0], 1)

    def test_questions_and_signals(self):
        file = self.write("ask.yaml", "name: ask\nworkflow:\n  - {id: sure, ask: {text: 'Pay?'}}\n"
                                      "  - {id: go, wait: {signal: go}}\n"
                                      "result: {sure: '{{ steps.sure }}', go: '{{ steps.go }}'}\n")
        journal = self.path("j")
        code, _, err = run("run", file, "--journal", journal)
        self.assertEqual(code, 1)
        self.assertIn("--answer", err)
        code, _, err = run("run", file, "--journal", journal, "--answer", "sure=true")
        self.assertEqual(code, 1)
        self.assertIn("--signal", err)
        code, out, _ = run("run", file, "--journal", journal, "--signal", "go=7")
        self.assertEqual((code, json.loads(out)), (0, {"sure": True, "go": 7}))

    def test_an_agent_uses_its_tools_and_remembers(self):
        file = self.write("desk.json", json.dumps({
            "name": "desk", "llms": {"small": {}},
            "functions": {"look_up": {"_type": "command", "command": ["cat"],
                                      "class": "idempotent"}},
            "agents": {"desk": {"tools": ["look_up"], "memory": {"scope": "agent"},
                                "output": {"type": "object", "required": ["said"]}}},
            "workflow": [{"id": "x", "agent": "desk", "prompt": "{{ input.ask }}"}],
            "result": "{{ steps.x.json.said }}"}))
        script = self.write("script.json", json.dumps([
            {"match": "Which bill", "tool_calls": [
                {"id": "1", "name": "look_up", "arguments": {"customer": "Ada"}}]},
            {"match": "tool_call_id", "text": "no JSON"}]))
        memory = self.path("memory.jsonl")
        # The first script answers the same for ever: the turns run out.
        again = [file, "--model", "script:" + script, "--commands", "--memory", memory]
        code, _, err = run("run", *again, "--input", '{"ask": "Which bill?"}')
        self.assertEqual(code, 1)
        self.assertIn("max_turns", err)
        script = self.write("script.json", json.dumps([
            {"match": "x/desk[0]", "tool_calls": [
                {"id": "1", "name": "look_up", "arguments": '{"customer": "Ada"}'}]},
            {"match": '"content":"{\\"customer\\":\\"Ada\\"}"', "json": {"said": "Bill 7."}},
            {"match": "x/desk[1]", "text": "The tool said something else."}]))
        journal = self.path("desk.journal")
        code, out, err = run("run", *again, "--input", '{"ask": "Which bill?"}',
                             "--journal", journal)
        self.assertEqual((code, out, err), (0, '"Bill 7."\n', ""))
        with open(memory) as kept:
            self.assertIn("Bill 7.", kept.read())
        self.assertEqual(run("replay", file, "--journal", journal)[0], 0)
        script = self.write("script.json", json.dumps([
            {"match": "What you remember:", "json": {"said": "I remember."}}]))
        code, out, _ = run("run", *again, "--input", '{"ask": "The bill again?"}')
        self.assertEqual((code, out), (0, '"I remember."\n'))
        self.write("memory.jsonl", "{}\n")
        code, _, err = run("run", *again, "--input", '{"ask": "x"}')
        self.assertEqual(code, 1)
        self.assertIn("line 1", err)

    def test_runs_start_children_and_go_on_in_others(self):
        self.write("greet.yaml", "name: greet\nworkflow:\n"
                                 "  - {id: said, set: {said: 'Hello {{ input.name }}.'}}\n"
                                 "result: '{{ state.said }}'\n")
        self.write("refuse.yaml", "name: refuse\nworkflow:\n"
                                  "  - {id: no, builtin: strategist.features, with: {}}\n")
        file = self.write("party.yaml", """name: party
state: {all: {reducer: append}}
workflow:
  - for_each: input.names
    at_once: 3
    do: [{id: one, child: greet, with: {name: "{{ item }}"}},
         {set: {all: "{{ steps.one }}"}}]
  - {id: other, child: refuse, fallback: {set: {all: "{{ error.code }}"}}}
result: "{{ state.all }}"
""")
        journal = self.path("party.journal")
        args = ["run", file, "--input", '{"names": ["Ada", "Bob", "Cy"]}', "--journal", journal]
        code, out, err = run(*args)
        self.assertEqual((code, json.loads(out or "null"), err),
                         (0, ["Hello Ada.", "Hello Bob.", "Hello Cy.", "bad_request"], ""))
        self.assertEqual(run(*args)[1], out)
        self.assertEqual(run("replay", file, "--journal", journal)[0], 0)
        # A run that never comes to a child's end is told so, and so is a workflow that is not there.
        missing = self.write("missing.yaml", "name: missing\nworkflow: [{child: nobody}]\n")
        self.assertIn("nobody", run("check", missing)[2])
        self.write("deep.yaml", "name: deep\nworkflow: [{id: x, child: deeper}]\n")
        deeper = self.write("deeper.yaml", "name: deeper\nworkflow: [{id: x, child: deep}]\n")
        code, _, err = run("run", deeper)
        self.assertEqual(code, 1)
        self.assertIn("too_deep", err)
        # Continue as new, and then in another workflow.
        count = self.write("count.yaml", """name: count
workflow:
  - when: input.n < 3
    handoff: {workflow: self}
    with: {n: "{{ input.n + 1 }}"}
  - {handoff: {workflow: greet}, with: {name: "{{ input.n }}"}}
""")
        code, out, err = run("run", count, "--input", '{"n": 0}', "--journal", self.path("count"))
        self.assertEqual((code, out, err), (0, '"Hello 3."\n', ""))
        again = run("run", count, "--input", '{"n": 0}', "--journal", self.path("count"))
        self.assertEqual(again, (0, '"Hello 3."\n', ""))

    def test_what_a_run_within_a_run_asks_is_answered_by_a_later_call(self):
        self.write("asks.yaml", "name: asks\nworkflow:\n  - {id: sure, ask: 'Sure?'}\n"
                                "  - {handoff: {workflow: told}, with: {sure: '{{ steps.sure }}'}}\n")
        self.write("told.yaml", "name: told\nworkflow:\n  - {id: go, wait: {signal: go}, timeout: 20ms,"
                                " fallback: {set: {late: true}}}\nresult: '{{ input.sure }}'\n")
        file = self.write("outer.yaml", "name: outer\nworkflow:\n  - {id: a, child: asks}\n"
                                        "result: '{{ steps.a }}'\n")
        journal = self.path("outer.journal")
        code, _, err = run("run", file, "--journal", journal)
        self.assertEqual(code, 1)
        self.assertIn("--answer 'sure#1=JSON'", err)
        code, out, err = run("run", file, "--journal", journal, "--answer", "sure=7")
        self.assertEqual((code, out), (0, "7\n"), err)
        # The run, its child, and the one in which that goes on, each in a journal of its own.
        kept = [name for name in os.listdir(self.folder) if name.startswith("outer.journal")
                and not name.endswith(".json")]
        self.assertEqual(len(kept), 3)
        for name in kept:
            self.assertEqual(run("show", "--journal", self.path(name))[0], 0)
        self.assertEqual(run("run", file, "--journal", journal)[:2], (0, "7\n"))

    def test_templates_make_workflows_that_load(self):
        code, out, _ = run("template", "--json")
        names = [one["name"] for one in json.loads(out)]
        self.assertEqual((code, len(names)), (0, 8))
        for name in names:
            code, out, _ = run("template", name, "--agent", "mine", "--set", "temperature=0",
                               "--set", "mood=calm")
            self.assertEqual(code, 0)
            file = self.write(name + ".json", out)
            self.assertEqual(run("check", file)[0], 0)
            self.assertEqual(json.loads(out)["agents"]["mine"]["custom_config"], {"mood": "calm"})
        # The game's need no model.
        code, out, _ = run("run", self.path("strategist.json"), "--input", json.dumps(REQUEST))
        self.assertEqual((code, json.loads(out)["source"]), (0, "builtin"))
        self.assertEqual(run("template", "gardener")[0], 1)
        self.assertEqual(run("template", "researcher", "--set", "x")[0], 2)
        self.assertEqual(run("template", "researcher", "--agent", "no name")[0], 2)

    def journal_of_strategy(self):
        journal = self.path("journal")
        self.assertEqual(run("run", "team_strategy", "--input", json.dumps(REQUEST),
                             "--journal", journal)[0], 0)
        return journal

    def test_journal_is_replayed_shown_and_judged(self):
        journal = self.journal_of_strategy()
        code, out, _ = run("replay", "team_strategy", "--journal", journal)
        self.assertEqual(code, 0)
        self.assertIn("every decision the same", out)
        code, out, _ = run("show", "--journal", journal, "--svg", self.path("run.svg"))
        self.assertEqual(code, 0)
        self.assertIn("plan", out)
        self.assertIn("run_done", out)
        xml.etree.ElementTree.parse(self.path("run.svg"))
        with open(journal, "r+b") as file:
            file.seek(200)
            byte = file.read(1)
            file.seek(200)
            file.write(bytes([byte[0] ^ 1]))
        code, _, err = run("replay", "team_strategy", "--journal", journal)
        self.assertEqual(code, 1)
        self.assertIn("event", err)

    def commanding(self, script, workflow):
        """A workflow whose tool `work` is this Python program."""
        program = self.write("work.py", "import os, subprocess, sys, time\n" + script)
        return self.write("work.yaml", "name: work\nfunctions:\n"
                          f"  work: {{_type: command, command: [python3, {program}]}}\n"
                          "workflow:\n" + workflow)

    # Begins a grandchild that holds on to everything, says both numbers, and waits.
    GRANDCHILD = ("other = subprocess.Popen(['sleep', '600'])\n"
                  "with open({pids!r}, 'w') as file:\n"
                  "    file.write(f'{{os.getpid()}} {{other.pid}}')\n"
                  "os.rename({pids!r}, {ready!r})\n")

    def grandchild(self):
        return self.GRANDCHILD.format(pids=self.path("pids"), ready=self.path("ready"))

    def wait_for(self, what, found):
        give_up = time.monotonic() + TIMEOUT_S
        while time.monotonic() < give_up:
            value = found()
            if value:
                return value
            time.sleep(0.02)
        self.fail("waited in vain for " + what)

    def pids(self):
        def read():
            if not os.path.exists(self.path("ready")):
                return None
            with open(self.path("ready")) as file:
                return [int(pid) for pid in file.read().split()]
        return self.wait_for("the program", read)

    def assert_gone(self, pids):
        def gone():
            for pid in pids:
                try:
                    with open(f"/proc/{pid}/stat") as file:
                        # A zombie is nobody's but its parent's.
                        if file.read().rpartition(")")[2].split()[0] != "Z":
                            return False
                except FileNotFoundError:
                    pass
            return True
        self.wait_for("the end of " + str(pids), gone)

    def test_what_a_program_has_begun_ends_with_its_timeout(self):
        file = self.commanding(self.grandchild() + "time.sleep(600)\n",
                               "  - {id: a, tool: work, timeout: 2s, fallback: {emit: late}}\n"
                               "result: '{{ steps.a }}'\n")
        code, out, err = run("run", file, "--commands")
        self.assertEqual((code, json.loads(out)), (0, None), err)
        self.assertIn("late", err)
        self.assert_gone(self.pids())

    def test_what_a_program_leaves_behind_ends_with_it(self):
        script = self.grandchild().replace("'600']", "'600'], stdin=subprocess.DEVNULL, "
                                           "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL")
        file = self.commanding(script + "print('7')\n",
                               "  - {id: a, tool: work}\nresult: '{{ steps.a }}'\n")
        code, out, err = run("run", file, "--commands")
        self.assertEqual((code, json.loads(out)), (0, 7), err)
        self.assert_gone(self.pids())

    def test_programs_end_with_a_signal_to_the_run_and_to_runs_within_it(self):
        file = self.commanding(self.grandchild() + "time.sleep(600)\n",
                               "  - {id: a, tool: work}\nresult: '{{ steps.a }}'\n")
        parent = self.write("parent.yaml", "name: parent\nworkflow:\n"
                            "  - {id: b, child: work}\nresult: '{{ steps.b }}'\n")
        for begun in (file, parent):
            for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(file=begun, signal=kind):
                    process = subprocess.Popen([REDOUBT, "workflow", "run", begun, "--commands"],
                                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                               stderr=subprocess.PIPE)
                    self.addCleanup(process.kill)
                    pids = self.pids()
                    process.send_signal(kind)
                    process.communicate(timeout=TIMEOUT_S)
                    self.assertEqual(process.returncode, -kind)
                    self.assert_gone(pids)
                    os.remove(self.path("ready"))

    def test_what_a_program_says_of_its_failure_is_told(self):
        file = self.commanding("print('one', file=sys.stderr)\n"
                               "print('x' * 1000000, file=sys.stderr)\n"
                               "print('no such bill', file=sys.stderr)\nsys.exit(3)\n",
                               "  - {id: a, tool: work}\nresult: '{{ steps.a }}'\n")
        code, out, err = run("run", file, "--commands", "--json")
        self.assertEqual(code, 1)
        self.assertIn("its program's exit code is 3: no such bill", out + err)
        self.assertIn("one\n", err)

    def test_a_model_reads_why_its_tool_failed(self):
        """In the words of the program, wherever it said them."""
        program = self.write("tool.sh", "")
        file = self.write("agent.yaml",
                          "llms:\n  m: {_type: openai}\n"
                          "functions:\n"
                          "  look_up: {_type: command, description: Looks up., command: [%s]}\n"
                          "workflow:\n  _type: react_agent\n  llm_name: m\n  tool_names: [look_up]\n"
                          % program)
        for script, why in [
                ("echo 'no such word' >&2; exit 3", "exit code is 3: no such word"),
                ("echo begun; echo 'no such word'; exit 3", "exit code is 3: no such word"),
                ("echo 'no JSON at all'", "): no JSON at all"),
                ("echo dying >&2; kill -9 $$", "was killed (Killed): dying"),
                ("exec no_such_program", "cannot be run"),
                (None, "cannot be run: %s: Permission denied" % program)]:
            self.write("tool.sh", "#!/bin/sh\n" + (script or ""))
            os.chmod(program, 0o755 if script else 0o644)
            model = self.write("model.json", json.dumps([
                {"match": "answer/react_agent[0]",
                 "tool_calls": [{"id": "1", "name": "look_up", "arguments": {}}]},
                {"match": why, "text": "The model knows why."},
                {"text": "The model does not know why."}]))
            code, out, err = run("run", file, "--input", '"x"', "--commands",
                                               "--model", "script:" + model)
            self.assertEqual((code, out), (0, '"The model knows why."\n'), (script, err))

    MOVING = ("name: moving\nfunctions: {pay: {class: once}}\nworkflow:\n"
              "  - {id: sure, ask: {text: 'Pay?'}}\n  - {id: go, wait: {signal: go}}\n"
              "  - {id: paid, tool: pay, fallback: {emit: nobody_paid}}\n"
              "result: {sure: '{{ steps.sure }}', go: '{{ steps.go }}'}\n")

    def moved(self, *answers):
        file = self.write("moving.yaml", self.MOVING)
        run("run", file, "--journal", self.path("first"), "--id", "r1", *answers)
        code, _, err = run("bundle", "export", self.path("b"), "--journal", self.path("first"))
        self.assertEqual(code, 0, err)
        return file

    def test_run_moves_and_comes_back(self):
        file = self.moved()
        code, out, _ = run("bundle", "inspect", self.path("b"), "--json")
        self.assertEqual(code, 0)
        told = json.loads(out)
        self.assertEqual((told["id"], told["epoch"], told["status"]), ("r1", 0, "parked"))
        # Here it is over, whatever one tries; a second export is the same file.
        code, _, err = run("run", file, "--journal", self.path("first"), "--answer", "sure=true")
        self.assertEqual(code, 1)
        self.assertIn("moved away", err)
        self.assertEqual(run("bundle", "export", self.path("b2"), "--journal",
                             self.path("first"))[0], 0)
        with open(self.path("b"), "rb") as one, open(self.path("b2"), "rb") as two:
            self.assertEqual(one.read(), two.read())
        # There it goes on, and comes back as what the first host left.
        second = self.path("second")
        code, out, err = run("bundle", "import", self.path("b"), "--journal", second,
                             "--clock-offset=-30s", "--deny", "paid", "--json")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out)["denied"], ["paid"])
        code, _, err = run("bundle", "import", self.path("b"), "--journal", second)
        self.assertEqual(code, 1)
        self.assertIn("under way here", err)
        code, _, err = run("run", file, "--journal", second, "--answer", "sure=true")
        self.assertIn("--signal", err)
        self.assertEqual(run("bundle", "export", self.path("back"), "--journal", second)[0], 0)
        code, _, err = run("bundle", "import", self.path("back"), "--journal", self.path("first"))
        self.assertEqual(code, 1)
        self.assertIn("answer that this host has not signed", err)
        code, _, err = run("bundle", "import", self.path("back"), "--journal", self.path("first"),
                           "--honour-approvals", "--deny", "paid")
        self.assertEqual(code, 0, err)
        code, out, _ = run("run", file, "--journal", self.path("first"), "--signal", "go=7")
        self.assertEqual((code, json.loads(out)), (0, {"sure": True, "go": 7}))
        code, out, _ = run("show", "--journal", self.path("first"), "--svg", self.path("s.svg"))
        self.assertEqual((out.count("moved away"), out.count("taken over")), (2, 2))
        xml.etree.ElementTree.parse(self.path("s.svg"))
        self.assertEqual(run("replay", file, "--journal", self.path("first"))[0], 0)

    def test_bundle_that_is_known_damaged_or_of_another_run_is_refused(self):
        file = self.moved()
        journal = self.path("second")
        self.assertEqual(run("bundle", "import", self.path("b"), "--journal", journal)[0], 0)
        self.assertEqual(run("bundle", "export", self.path("c"), "--journal", journal)[0], 0)
        code, _, err = run("bundle", "import", self.path("b"), "--journal", journal)
        self.assertEqual(code, 1)
        self.assertIn("imported here already", err)
        self.assertEqual(run("run", file, "--journal", self.path("third"), "--id", "r2")[0], 1)
        code, _, err = run("bundle", "import", self.path("c"), "--journal", self.path("third"))
        self.assertEqual(code, 1)
        self.assertIn("holds the run r2", err)
        with open(self.path("c"), "r+b") as bundle:
            bundle.seek(300)
            bundle.write(b"\0\0")
        for command in (["inspect"], ["import", "--journal", self.path("fourth")]):
            code, _, err = run("bundle", command[0], self.path("c"), *command[1:])
            self.assertEqual(code, 1)
            self.assertIn("damaged", err)
        self.assertFalse(os.path.exists(self.path("fourth")))

    def test_what_was_moved_away_goes_on_as_a_fork(self):
        file = self.moved()
        code, _, err = run("bundle", "fork", "--journal", self.path("first"), "--to",
                           self.path("own"), "--id", "r2")
        self.assertEqual(code, 0, err)
        code, out, _ = run("run", file, "--journal", self.path("own"), "--answer", "sure=false",
                           "--signal", "go=1", "--json")
        self.assertEqual((code, json.loads(out)["id"]), (0, "r2"))
        self.assertEqual(run("bundle", "fork", "--journal", self.path("first"), "--to",
                             self.path("own"), "--id", "r3")[0], 2)

    def test_torn_tail_is_cut_and_said(self):
        journal = self.journal_of_strategy()
        _, whole, _ = run("run", "team_strategy", "--journal", journal)
        size = os.path.getsize(journal)
        for cut in range(1, size, 97):
            os.truncate(journal, size - cut)
            code, out, err = run("run", "team_strategy", "--input", json.dumps(REQUEST),
                                 "--journal", journal)
            self.assertEqual((code, out), (0, whole), (cut, err))
            if cut == 1:
                self.assertRegex(err, r"cut \d+ bytes")
            size = os.path.getsize(journal)

    def test_another_definition_or_input_is_refused(self):
        first = self.write("a.yaml", "name: a\nworkflow:\n  - {emit: one}\n  - {emit: two}\n")
        other = self.write("b.yaml", "name: a\nworkflow:\n  - {emit: one}\n  - {emit: three}\n")
        journal = self.path("j")
        self.assertEqual(run("run", first, "--journal", journal)[0], 0)
        code, _, err = run("run", other, "--journal", journal)
        self.assertEqual(code, 1)
        self.assertIn("/workflow/1/emit", err)
        code, _, err = run("replay", other, "--journal", journal)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"event \d+")
        self.assertEqual(run("run", first, "--journal", journal, "--input", '{"x":1}')[0], 1)

    def killed(self, chance, arguments):
        """Starts it and kills it at a moment of chance; its end where it was faster."""
        process = subprocess.Popen([REDOUBT, "workflow", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=chance.uniform(0.002, 0.08))
            return process.returncode, out, err
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None

    def decision(self, question, ledger):
        """What a person says who has looked at the ledger: paid, or not yet."""
        effect, index = re.search(r"--answer '(pay\[(\d+)\]#\d+)=", question).groups()
        done = any(f"pay[{index}]" in key for key in ledger)
        place = PLACES["places"][int(index)]
        value = {"decision": "done", "output": {"paid": place}} if done else {"decision": "repeat"}
        return ["--answer", effect + "=" + json.dumps(value)]

    def ledger(self, path):
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return file.read().splitlines()

    def kill_until_done(self, chance, name):
        ledger = self.path(name + ".ledger")
        book = self.write(name + ".py", f"LEDGER = {ledger!r}\n" + BOOK)
        flow = self.write(name + ".yaml", BOOKING.replace("BOOK", book))
        arguments = ["run", flow, "--input", json.dumps(PLACES), "--commands", "--model",
                     "script:" + self.write("s.json", json.dumps(SCRIPT)),
                     "--journal", self.path(name + ".journal")]
        kills, extra = 0, []
        for _ in range(400):
            ended = self.killed(chance, arguments + extra) if kills < KILLS_MAX else run(
                *arguments, *extra)
            extra = []
            if ended is None:
                kills += 1
            elif ended[0] == 1 and "--answer" in ended[2]:
                extra = self.decision(ended[2], self.ledger(ledger))
            else:
                self.assertEqual(ended[0], 0, ended[2])
                self.assertEqual(run("replay", flow, "--journal", arguments[-1])[0], 0)
                return kills, json.loads(ended[1]), self.ledger(ledger)
        self.fail("the run does not come to its end")

    def test_sigkill_at_any_moment_changes_nothing(self):
        expected = {"seen": [{"place": place, "name": "a name", "paid": place}
                             for place in PLACES["places"]], "last": "a sum"}
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        kills = 0
        for number in range(ROUNDS):
            with self.subTest(seed=seed, number=number):
                times, outcome, ledger = self.kill_until_done(chance, f"k{number}")
                kills += times
                self.assertEqual(outcome, expected)
                self.assertEqual(len(ledger), len(PLACES["places"]))
                self.assertEqual(len(set(ledger)), len(ledger))
        self.assertGreater(kills, ROUNDS)
        print(f"killed {kills} times in {ROUNDS} runs", file=sys.stderr)


if __name__ == "__main__":
    REDOUBT = os.path.abspath(sys.argv.pop(1))
    unittest.main()
