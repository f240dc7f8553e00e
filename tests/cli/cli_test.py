#!/usr/bin/env python3
"""Runs the built `redoubt` and looks at what it prints, writes and returns.

    tests/cli/cli_test.py PATH_TO_REDOUBT
"""
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
import zlib

REDOUBT = ""
SHIPPED = "web/game/public/maps"
SHARED = os.environ.get("REDOUBT_MAPS", "../shared/maps")
TIMEOUT_S = 300  # a bound, not a measure
COMMANDS = ["play", "replay", "arena", "strategy", "agent", "map", "models"]
# Commands with commands of their own, which take the options.
GROUPS = {"workflow": ["check", "run", "replay", "show"]}

STRATEGY_REQUEST = {
    "team_id": "red",
    "territory_control": {"red": 20, "blue": 45},
    "resources": {"red": {"energy": 40, "materials": 40, "data": 40},
                  "blue": {"energy": 10, "materials": 0, "data": 2.8}},
    "agents": {"red": [{"id": 0, "type": "collector", "health": 100, "x": 1, "y": 2}], "blue": []},
    "resource_distribution": {"energy": 6, "materials": 5, "data": 4, "total": 15},
}
AGENT_REQUEST = {
    "team_id": "blue",
    "strategy": {"strategy": "aggressive", "focus": "combat"},
    "resources": {"energy": 40, "materials": 40, "data": 40},
}


def run(*arguments, given=b""):
    if isinstance(given, str):
        given = given.encode()
    done = subprocess.run([REDOUBT, *arguments], input=given, capture_output=True, timeout=TIMEOUT_S)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def png_pixels(data):
    """Width, height and rows of an 8-bit RGB PNG (RFC 2083), all five filters undone."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2)
        if kind == b"IDAT":
            packed += body
        at += 12 + size
    raw = zlib.decompress(packed)
    stride = width * 3
    rows, above = [], bytearray(stride)
    for y in range(height):
        kind = raw[y * (stride + 1)]
        line = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = line[x - 3] if x >= 3 else 0
            up = above[x]
            corner = above[x - 3] if x >= 3 else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            elif kind == 4:
                p = left + up - corner
                guess = min((abs(p - left), 0, left), (abs(p - up), 1, up),
                            (abs(p - corner), 2, corner))[2]
            else:
                guess = 0
            line[x] = (line[x] + guess) & 255
        rows.append(line)
        above = line
    return width, height, rows


class Scratch(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def refused(self, code, *arguments, given=b""):
        """That the command returns `code`, prints nothing on stdout and says why on stderr."""
        got, out, err = run(*arguments, given=given)
        self.assertEqual(got, code, err)
        self.assertEqual(out, "")
        self.assertNotEqual(err, "")
        return err


class Help(Scratch):
    def test_every_command_explains_itself_with_examples(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for command in COMMANDS:
            self.assertIn(command, out)
            code, text, err = run(command, "--help")
            self.assertEqual((code, err), (0, ""))
            self.assertIn("Example", text)
            self.assertIn("redoubt " + command, text)
            self.assertIn("--json", text)
        for group, commands in GROUPS.items():
            self.assertIn(group, out)
            code, text, err = run(group, "--help")
            self.assertEqual((code, err), (0, ""))
            self.assertIn("Example", text)
            for command in commands:
                self.assertIn("redoubt " + group + " " + command, text)
                code, help_text, err = run(group, command, "--help")
                self.assertEqual((code, err), (0, ""))
                self.assertIn("--json", help_text)
        self.assertIn("Exit codes: 0", out)

    def test_version(self):
        code, out, _ = run("--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^\d+\.\d+\.\d+\n$")

    def test_bad_use_is_2(self):
        for arguments in [[], ["dance"], ["map"], ["map", "x", "--nonsense"], ["play"],
                          ["play", "--bot", "random", "--bot", "random"], ["replay"],
                          ["play", "--generate", "40x28", "--bot", "random", "--ticks", "0"]]:
            with self.subTest(arguments):
                self.assertIn("--help", self.refused(2, *arguments))


    def test_an_unknown_word_is_named_with_the_nearest(self):
        for arguments, said in [
                (["workflw"], 'there is no command "workflw" of redoubt; did you mean "workflow"?'),
                (["workflow", "chekc", "x"],
                 'there is no command "chekc" of workflow; did you mean "check"?'),
                (["workflow", "bundle", "exprot"],
                 'there is no command "exprot" of bundle; did you mean "export"?'),
                (["keys", "zzzzz"], 'there is no command "zzzzz" of keys; it has add, weigh, list'),
                (["workflow", "run", "x", "--jurnal", "j"],
                 'there is no option "--jurnal" of run; did you mean "--journal"?'),
                (["play", "--bot", "rush", "--sede=7"],
                 'there is no option "--sede" of play; did you mean "--seed"?'),
                (["--verison"], 'there is no option "--verison" of redoubt; did you mean "--version"?'),
                (["map", "x", "y"], "not expected: y")]:
            with self.subTest(arguments):
                err = self.refused(2, *arguments)
                self.assertIn(said, err)
                self.assertIn("--help", err)

    def test_every_command_of_a_group_has_an_example(self):
        groups = [[name] for name in GROUPS] + [["workflow", "bundle"]]
        for group in groups:
            for command in re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", run(*group, "--help")[1]):
                with self.subTest([*group, command]):
                    self.assertIn(" ".join(["redoubt", *group, command]),
                                  run(*group, command, "--help")[1].split("Example")[-1])


class Map(Scratch):
    def test_describes(self):
        code, out, err = run("map", SHIPPED + "/valley.json")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^name +valley$")
        self.assertRegex(out, r"(?m)^base 2 .*\(blue\), 3\d steps from base 1$")
        self.assertRegex(out, r"(?m)^hash +[0-9a-f]{16}$")

    def test_json_shape(self):
        code, out, _ = run("map", SHIPPED + "/crossroads.json", "--json")
        self.assertEqual(code, 0)
        got = json.loads(out)
        self.assertEqual((got["name"], got["teams"], got["symmetry"]), ("crossroads", 4, "mirrors4"))
        self.assertEqual(got["orientation"], "pointy_top")
        self.assertEqual(got["cells"]["all"], got["width"] * got["height"])
        self.assertEqual(sum(got["cells"][k] for k in ("open", "rough", "obstacle")),
                         got["cells"]["all"])
        self.assertEqual(len(got["bases"]), 4)
        self.assertEqual(len(got["sites"]), 32)
        self.assertEqual(set(got["sites"][0]), {"row", "column", "cell", "resource"})

    def test_converts_and_generates_the_same(self):
        for target in [self.path("a.json"), "-"]:
            code, out, err = run("map", "--generate", "40x28", "--seed", "5", "--name", "five", "--to",
                                 target)
            self.assertEqual((code, err), (0, ""))
            if target == "-":
                self.assertEqual(out.encode(), read(self.path("a.json")))
        run("map", self.path("a.json"), "--to", self.path("b.json"))
        self.assertEqual(read(self.path("a.json")), read(self.path("b.json")))
        _, out, _ = run("map", "-", "--json", given=read(self.path("a.json")))
        self.assertEqual(json.loads(out)["name"], "five")
        self.assertEqual(sorted(os.listdir(self._folder.name)), ["a.json", "b.json"])

    VILLAGE_IN_THE_SEA = (
        "Gg, Gg, Gg, Gg, Gg, Gg\nGg, 2 Ke, Gs^Vh, Ww, Ww^Vm, Gg\n"
        "Gg, Gg, 3 Ke, Ww, Ww, Gg\nGg, Gg, Gg, Gg, Gg, Gg\n")

    def test_warns_of_what_was_changed_and_cannot_be_reached(self):
        path = self.write("sea.map", self.VILLAGE_IN_THE_SEA)
        wanted = ["players 2, 3 became teams 1, 2",
                  "1 site of 2 cannot be reached from a base and will not be played for: row 0, column 3"]
        shown = [f"redoubt: {path}: warning: {one}" for one in wanted]
        for more in [[], ["--to", "-"]]:
            code, out, err = run("map", path, *more)
            self.assertEqual((code, err.splitlines()), (0, shown))
        code, out, err = run("map", path, "--json")
        self.assertEqual((code, err, json.loads(out)["warnings"]), (0, "", wanted))
        for bot in ["strategist", "random", "agentarena", "rush"]:
            bots = ["--bot", bot, "--bot", "rush", "--ticks", "300"]
            code, out, err = run("play", "--map", path, *bots)
            self.assertEqual((code, err.splitlines()), (0, shown))
            self.assertNotIn("refused", out)
            code, out, err = run("play", "--map", path, *bots, "--json")
            self.assertEqual((code, err, json.loads(out)["map"]["warnings"]), (0, "", wanted))

    def test_reads_wesnoth_maps(self):
        name = "4p_Hamlets"
        source = os.path.join(SHARED, name + ".map")
        if not os.path.exists(source):
            self.skipTest("no shared maps here (set REDOUBT_MAPS)")
        code, out, _ = run("map", source, "--json", "--to", self.path("h.json"))
        self.assertEqual(code, 0)
        first = json.loads(out)
        self.assertEqual((first["name"], first["teams"], first["orientation"]), (name, 4, "flat_top"))
        _, out, _ = run("map", self.path("h.json"), "--json")
        self.assertEqual(json.loads(out), first)

    def test_draws_png(self):
        picture = self.path("valley.png")
        code, _, err = run("map", SHIPPED + "/valley.json", "--picture", picture, "--cell", "20")
        self.assertEqual((code, err), (0, ""))
        width, height, rows = png_pixels(read(picture))
        self.assertTrue(820 < width < 860 and 480 < height < 560, (width, height))
        _, out, _ = run("map", SHIPPED + "/valley.json", "--json")
        bases = json.loads(out)["bases"]
        # The middle of a base is its team's mark in its team's colour.
        for base, colour in zip(bases, [(0xE8, 0x50, 0x3A), (0x3B, 0x82, 0xF6)]):
            x = round(15 + 20 * (base["column"] + 0.5 + 0.5 * (base["row"] & 1)))
            y = round(15 + 20 / 3 ** 0.5 * (1 + 1.5 * base["row"]))
            self.assertEqual(tuple(rows[y][3 * x:3 * x + 3]), colour)
        # Anti-aliased: an edge has more than the scene's flat colours.
        shades = {bytes(row[i:i + 3]) for row in rows[::3] for i in range(0, len(row), 3)}
        self.assertGreater(len(shades), 100)

    def test_draws_svg(self):
        picture = self.path("triskele.svg")
        self.assertEqual(run("map", SHIPPED + "/triskele.json", "--picture", picture)[0], 0)
        root = xml.etree.ElementTree.fromstring(read(picture))
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.tag, space + "svg")
        self.assertEqual(root.find(space + "title").text, "Map triskele")
        fills = [e.get("fill") for e in root.iter(space + "polygon")]
        self.assertGreater(len(fills), 1225)
        for colour in ["#e8503a", "#3b82f6", "#f5df4d"]:
            self.assertIn(colour, fills)

    def test_a_name_cannot_break_the_svg(self):
        run("map", SHIPPED + "/valley.json", "--name", "</title><script>&\x01", "--picture",
            self.path("x.svg"))
        root = xml.etree.ElementTree.fromstring(read(self.path("x.svg")))
        self.assertEqual([e.tag for e in root if e.tag.endswith("script")], [])

    def test_broken_maps_are_1_and_say_where(self):
        walled = {"format": "redoubt-map", "version": 1, "rows": [".#.", ".#.", ".#."],
                  "bases": [[0, 0], [2, 2]]}
        path = self.write("walled.json", json.dumps(walled))
        err = self.refused(1, "map", path)
        self.assertEqual(err.splitlines()[0], "redoubt: " + path +
                         ": base 2 cannot be reached from base 1 (row 2, column 2)")
        err = json.loads(self.refused(1, "map", path, "--json"))["error"]
        self.assertEqual((err["code"], err["path"]), ("bad_map", "bases[1]"))
        self.assertTrue(err["message"] and err["expected"])
        err = self.refused(1, "map", "-", given="{\"format\":\n  oops}")
        self.assertIn("line 2, column 3", err)
        self.assertIn("XML", self.refused(1, "map", "-", given="<map/>"))
        self.refused(1, "map", "-")
        self.refused(1, "map", "-", given=b"\xff\x00\xfe" * 100)

    def test_what_cannot_be_done_is_2(self):
        missing = self.path("missing.json")
        self.assertIn("No such file", self.refused(2, "map", missing))
        self.assertIn("is a folder", self.refused(2, "map", self._folder.name))
        self.assertIn(".png or .svg", self.refused(2, "map", SHIPPED + "/valley.json", "--picture",
                                                   self.path("x.gif")))
        self.assertIn("No such file", self.refused(2, "map", SHIPPED + "/valley.json", "--to",
                                                   self.path("no/folder.json")))
        self.assertIn("larger than", self.refused(2, "map", "-", given=b" " * (5 << 20)))
        self.refused(2, "map", SHIPPED + "/valley.json", "--generate", "40x28")
        for size in ["5x5", "40", "x", "40x28x3", "4000x4000", "-40x28", "99999999999x2"]:
            with self.subTest(size):
                self.refused(2, "map", "--generate", size)
        for option in [["--teams", "5"], ["--seed", "-1"], ["--seed", "x"],
                       ["--seed", "99999999999999999999999"], ["--cell", "4"]]:
            with self.subTest(option):
                self.refused(2, "map", "--generate", "40x28", *option)
        self.assertEqual(os.listdir(self._folder.name), [])


class Play(Scratch):
    SHORT = ["play", "--generate", "30x24", "--seed", "3", "--bot", "rush", "--bot", "random",
             "--ticks", "300"]

    def test_the_same_arguments_print_the_same(self):
        first = run(*self.SHORT)
        self.assertEqual(first[0], 0, first[2])
        self.assertEqual(first[2], "")
        self.assertEqual(run(*self.SHORT), first)
        self.assertRegex(first[1], r"(?m)^hash +[0-9a-f]{16}$")
        self.assertNotEqual(run(*[a if a != "3" else "4" for a in self.SHORT])[1], first[1])

    def test_prints_the_outcome(self):
        code, out, _ = run("play", "--map", SHIPPED + "/narrows.json", "--bot", "rush", "--bot",
                           "random")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?m)^winner +(red \(rush\), .* at tick [\d,]+|nobody: a draw .*)$")
        self.assertRegex(out, r"(?m)^red +rush +\d +[\d,]+ +\d+\.\d % +[\d,]+ ")
        self.assertRegex(out, r"(?m)^blue +random ")

    def test_stops_when_told(self):
        code, out, _ = run(*self.SHORT[:-1], "40", "--json")
        self.assertEqual(code, 0)
        got = json.loads(out)
        self.assertEqual((got["over"], got["winner"], got["by"], got["tick"]),
                         (False, None, "none", 40))

    def test_json_shape(self):
        code, out, _ = run("play", "--map", SHIPPED + "/crossroads.json", "--bot", "strategist", "--bot",
                           "rush", "--bot", "agentarena", "--bot", "random", "--ticks", "120",
                           "--json")
        self.assertEqual(code, 0)
        got = json.loads(out)
        self.assertEqual(got["map"]["name"], "crossroads")
        self.assertRegex(got["hash"], "^[0-9a-f]{16}$")
        self.assertEqual(got["seed"], "1")
        self.assertEqual([t["bot"] for t in got["teams"]],
                         ["strategist", "rush", "agentarena", "random"])
        self.assertEqual([t["name"] for t in got["teams"]], ["red", "blue", "gold", "mint"])
        for team in got["teams"]:
            self.assertEqual(set(team), {"name", "bot", "rank", "held", "share_permille", "deposits",
                                         "agents", "births", "deaths", "refused_orders"})
            self.assertEqual(team["refused_orders"], 0)
            self.assertGreater(team["held"], 0)
            self.assertEqual(team["share_permille"], team["held"] * 1000 // got["reachable_cells"])

    def test_other_rules(self):
        rules = self.write("rules.json", json.dumps({"match": {"time_limit_ticks": 64}}))
        code, out, err = run(*self.SHORT[:-2], "--rules", rules, "--json")
        self.assertEqual(code, 0, err)
        got = json.loads(out)
        self.assertEqual((got["over"], got["by"], got["tick"]), (True, "time_limit", 64))
        rules = self.write("bad.json", json.dumps({"match": {"time_limit": 64}}))
        err = self.refused(1, *self.SHORT, "--rules", rules)
        self.assertIn(rules, err)
        self.assertIn("match.time_limit", err)

    def test_what_cannot_be_played_is_refused(self):
        two = ["--bot", "rush", "--bot", "rush"]
        self.assertIn("agentarena", self.refused(2, "play", "--generate", "30x24", "--bot", "rush",
                                                 "--bot", "nobody"))
        self.assertIn("4 teams", self.refused(2, "play", "--map", SHIPPED + "/crossroads.json", *two))
        self.refused(2, "play", "--generate", "30x24", "--bot", "rush")
        self.refused(2, "play", "--generate", "30x24", *two, *two, "--bot", "rush")
        self.refused(2, "play", "--map", self.path("missing"), *two)
        self.refused(1, "play", "--map", self.write("x.json", "{}"), *two)
        self.refused(2, *self.SHORT, "--replay", self.path("no/folder.replay"))

    def test_a_progress_bar_only_on_a_terminal(self):
        self.assertEqual(run(*self.SHORT)[2], "")
        leader, follower = pty.openpty()
        with subprocess.Popen([REDOUBT, *self.SHORT], stdout=subprocess.PIPE, stderr=follower) as child:
            os.close(follower)
            out = child.stdout.read().decode()
        shown = b""
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # the terminal's other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(leader)
        self.assertEqual(child.returncode, 0)
        self.assertIn(b"100 %", shown)
        self.assertEqual(out, run(*self.SHORT)[1])


class Replay(Scratch):
    def recorded(self):
        path = self.path("match.replay")
        code, out, err = run(*Play.SHORT, "--json", "--replay", path)
        self.assertEqual(code, 0, err)
        return path, json.loads(out)

    def test_verifies_what_play_wrote(self):
        path, played = self.recorded()
        code, out, err = run("replay", path)
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^same +all 5 hashes, to tick 300$")
        self.assertIn(played["hash"], out)
        code, out, _ = run("replay", "-", "--json", given=read(path))
        got = json.loads(out)
        self.assertEqual(code, 0)
        self.assertEqual((got["same"], got["tick"], got["computed"], got["recorded"]),
                         (True, 300, played["hash"], played["hash"]))
        self.assertEqual(got["players"], ["rush", "random"])

    def test_a_difference_is_1_and_named(self):
        path, played = self.recorded()
        data = read(path)
        final = struct.pack("<Q", int(played["hash"], 16))
        self.assertEqual(data.count(final), 1)
        wrong = self.write("wrong.replay", data.replace(final, bytes(8)))
        code, out, _ = run("replay", wrong)
        self.assertEqual(code, 1)
        self.assertRegex(out, r"(?m)^differs +at tick 300: recorded 0{16}, computed " + played["hash"])
        code, out, _ = run("replay", wrong, "--json")
        self.assertEqual((code, json.loads(out)["same"]), (1, False))

    def test_broken_files_are_refused_with_the_byte(self):
        path, _ = self.recorded()
        data = read(path)
        for length in [0, 3, 20, 200, len(data) // 2, len(data) - 1]:
            with self.subTest(length):
                err = self.refused(1, "replay", self.write("cut.replay", data[:length]))
                self.assertRegex(err, r"byte \d+")
        self.assertIn("more bytes", self.refused(1, "replay", "-", given=data + b"x"))
        error = json.loads(self.refused(1, "replay", "-", "--json", given=b"nonsense"))["error"]
        self.assertEqual(error["code"], "bad_replay")
        other = bytearray(data)
        other[4] = 99  # the version
        error = json.loads(self.refused(1, "replay", "-", "--json", given=bytes(other)))["error"]
        self.assertEqual(error["code"], "version_mismatch")
        self.refused(2, "replay", self.path("missing.replay"))


class Arena(Scratch):
    GAMES = ["arena", "rush", "random", "--generate", "20x16", "--games", "4", "--seed", "3"]

    def test_json_is_the_same_for_any_number_of_jobs(self):
        def told(jobs):
            code, out, err = run(*self.GAMES, "--jobs", jobs, "--json")
            self.assertEqual((code, err), (0, ""))
            report = json.loads(out)
            for player in report["players"]:
                del player["cpu_ms"]
            return report
        report = told("1")
        self.assertEqual(report, told("3"))
        duel = report["duels"][0]
        self.assertEqual(duel["players"], ["rush", "random"])
        self.assertEqual(sum(duel["pentanomial"]), 2)
        self.assertEqual(len(report["games"]), 4)
        self.assertEqual(sum(report["all"]["ends"].values()), 4)

    def test_a_game_is_played_again_from_its_line(self):
        lines, replay = self.path("games.jsonl"), self.path("game.replay")
        code, _, err = run(*self.GAMES, "--games-file", lines)
        self.assertEqual((code, err), (0, ""))
        line = read(lines).decode().splitlines()[2]
        code, out, err = run("arena", "--replay", "-", "--to", replay, given=line)
        self.assertEqual((code, out.strip(), err), (0, line, ""))
        code, out, _ = run("replay", replay)
        self.assertEqual(code, 0)
        self.assertIn(json.loads(line)["hash"], out)
        other = line.replace(json.loads(line)["hash"], "0" * 16)
        code, _, err = run("arena", "--replay", other)
        self.assertEqual(code, 1)
        self.assertIn("went another way", err)

    def test_a_line_runs_no_program_that_was_not_named(self):
        lines, bot = self.path("games.jsonl"), "exec:sh -c 'exit 3'"
        code, _, err = run("arena", bot, "random", "--generate", "20x16", "--games", "2",
                           "--games-file", lines)
        self.assertEqual((code, err), (0, ""))
        line = read(lines).decode().splitlines()[0]
        self.assertEqual(json.loads(line)["seats"][0]["fault"]["what"],
                         "crashed: it ended with exit code 3")
        err = self.refused(2, "arena", "--replay", line)
        self.assertIn("would run " + bot, err)
        code, out, err = run("arena", bot, "--replay", line)
        self.assertEqual((code, out.strip(), err), (0, line, ""))

    def test_maps_of_a_folder_and_what_is_passed_over(self):
        code, _, err = run("map", "--generate", "20x16", "--to", self.path("two.json"))
        self.assertEqual((code, err), (0, ""))
        run("map", "--generate", "21x21", "--teams", "3", "--to", self.path("three.json"))
        code, out, err = run("arena", "random", "random", "--maps", self.path(""), "--games", "2", "--json")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["maps"], ["two.json"])
        self.assertIn("three.json is passed over: it is for 3 teams, not 2", err)

    def test_the_example_bots_play(self):
        examples = "tools/arena/examples"
        bots = [f"exec:{sys.executable} {examples}/raider.py", f"exec:node {examples}/expander.mjs"]
        for bot in bots:
            with open(bot.split()[-1], encoding="utf-8") as file:
                self.assertLess(len(file.readlines()), 80)
        code, out, err = run("arena", *bots, "random", "--generate", "20x16", "--games", "2",
                             "--patience", "60000", "--json")
        self.assertEqual((code, err), (0, ""))
        report = json.loads(out)
        for player in report["players"]:
            self.assertEqual((player["faults"], player["refused_orders"]), (0, 0), player)
        self.assertEqual(report["duels"][1]["won"], 2, "raider.py against random")

    def test_lists_its_players(self):
        code, out, _ = run("arena", "--list", "--json")
        self.assertEqual(code, 0)
        names = [player["name"] for player in json.loads(out)]
        self.assertLessEqual({"strategist", "builtin", "rush", "agentarena", "random"}, set(names))

    def test_what_cannot_be_done_is_2(self):
        for words in [["arena"], ["arena", "rush"], ["arena", "rush", "rusch"],
                      ["arena", "rush", "random:speed=3"], ["arena", "rush", "exec:"],
                      ["arena", "rush", "random", "--maps", self.path("none")],
                      ["arena", "rush", "random", "--generate", "40"],
                      ["arena", "rush", "random", "--sprt", "5"],
                      ["arena", "rush", "random", "random", "--sprt", "0,5"],
                      ["arena", "--replay", "{}"]]:
            code, out, err = run(*words)
            self.assertEqual((code, out), (2, ""), words)
            self.assertTrue(err.startswith("redoubt: "), words)


class Models(Scratch):
    def listed(self, *arguments):
        code, out, err = run("models", "--json", *arguments)
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)

    def test_list(self):
        code, out, err = run("models", "--date", "2026-11-30")
        self.assertEqual((code, err), (0, ""))
        line = next(line for line in out.splitlines() if line.startswith("  gpt-5-mini "))
        self.assertIn("$0.25", line)
        self.assertIn("$0.025", line)
        self.assertIn("shut off on 2026-12-11, in 11 days", line)
        line = next(line for line in out.splitlines() if line.startswith("  gpt-5.4 "))
        self.assertIn("other prices above 272,000 tokens", line)
        self.assertIn("text-embedding-3-small", out)
        # Twice the same.
        self.assertEqual(run("models", "--date", "2026-11-30")[1], out)

    def test_one(self):
        code, out, err = run("models", "deepseek-v4-pro", "--date", "2026-11-30")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("UTC 01:00-04:00 06:00-10:00 Mon Tue Wed Thu Fri: input $1.32", out)
        self.assertIn("shut off since 2026-12-11",
                      run("models", "openai/gpt-5-mini-2025-08-07", "--date", "2026-12-11")[1])

    def test_an_embedding(self):
        for name in ["text-embedding-3-small", "openai/text-embedding-3-small"]:
            code, out, err = run("models", name)
            self.assertEqual((code, err), (0, ""))
            self.assertIn("text-embedding-3-small (openai), makes embeddings", out)
            self.assertIn("8,191 tokens an input", out)
            self.assertIn("1,536 numbers", out)
        [card] = self.listed("text-embedding-3-small")
        self.assertEqual((card["embeds"], card["dimensions"]), (True, 1536))
        self.assertIn("text-embedding-3-small", [card["model"] for card in self.listed("openai")])
        code, _, err = run("models", "text-embeding-3-small")
        self.assertEqual(code, 1)
        self.assertIn('did you mean "text-embedding-3-small"?', err)

    def test_the_price_of_a_day(self):
        price = lambda day: self.listed("gemini-4-argon", "--date", day)[0]["price"]["output"]
        self.assertEqual(price("2026-11-30"), 10_000_000)
        self.assertEqual(price("2026-12-01"), 20_000_000)
        code, out, err = run("models", "--date", "tomorrow")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("2026-12-31", err)

    def test_a_name_is_the_whole_name(self):
        code, out, err = run("models", "gpt-4o-audio-preview")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no model that is known is called gpt-4o-audio-preview", err)
        self.assertIn("gpt-4o", err)

    def test_a_slip_names_the_nearest_and_a_provider_lists_its_models(self):
        for slip in ["gpt-5.4-mni", "gpt5.4-mini", "openai/gpt-5.4-mni"]:
            code, _, err = run("models", slip)
            self.assertEqual(code, 1)
            self.assertIn(f'is called {slip}; did you mean "gpt-5.4-mini"?', err)
        self.assertIn('did you mean "openai"?', run("models", "opnai")[2])
        code, out, _ = run("models", "mistral", "--date", "2026-11-30")
        self.assertEqual(code, 0)
        self.assertIn("mistral-small-2603", out)
        self.assertNotIn("gpt-", out)

    def test_a_command_that_is_missing_or_unknown_is_told_with_those_that_are_there(self):
        for arguments, says in [
                ([], "redoubt needs a command: keys, tokens, models, play"),
                (["keys"], "keys needs a command: add, weigh, list"),
                (["workflow"], "workflow needs a command: check, run, replay, show"),
                (["workflow", "bundle"], "bundle needs a command: export"),
                (["help"], "did you mean --help?"),
                (["kyes"], 'did you mean "keys"?'),
                (["workflow", "rnu"], 'did you mean "run"?'),
                (["models", "--jsn"], 'did you mean "--json"?')]:
            code, out, err = run(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn(says, err)
            self.assertNotIn("ask", err)

    def test_every_command_has_help_with_examples(self):
        def commands(words):
            code, out, err = run(*words, "--help")
            self.assertEqual((code, err), (0, ""), words)
            listed = re.search(r"Subcommands:\n((?:  .*\n)+)", out)
            if not listed:
                self.assertIn("Example", out, words)
                return
            for name in re.findall(r"^  (\S+)", listed.group(1), re.M):
                commands([*words, name])
        commands([])

    def test_own_cards(self):
        cards = self.path("cards.json")
        with open(cards, "w") as file:
            json.dump({"models": [
                {"dialects": ["openai", "openai-responses"], "model": "gpt-5.4-mini",
                 "like": "openai/gpt-5.4-mini", "rates": [{"input": 1, "output": 2}]}]}, file)
        own, shipped = self.listed("gpt-5.4-mini", "--cards", cards)
        self.assertTrue(own["yours"] and shipped["overridden"])
        self.assertFalse(own["overridden"] or shipped["yours"])
        self.assertEqual(own["price"], {"input": 1, "output": 2})
        config = self.path("relay.yaml")
        with open(config, "w") as file:
            file.write(f"models: {{cards_file: {cards}}}\n")
        self.assertEqual(self.listed("gpt-5.4-mini", "--config", config)[0], own)
        code, out, _ = run("models", "--cards", cards)
        self.assertEqual(code, 0)
        lines = [line for line in out.splitlines() if line.startswith("  gpt-5.4-mini ")]
        self.assertEqual(len(lines), 1)
        self.assertIn("yours", lines[0])

    def test_own_cards_that_are_wrong(self):
        cards = self.path("cards.json")
        with open(cards, "w") as file:
            file.write('{"models": [\n{"dialect": "openai", "model": "m", "context_tokens": 1,\n'
                       '"output_tokens_max": 1, "rates": [{"input": "cheap", "output": 1}]}]}')
        code, out, err = run("models", "--cards", cards)
        self.assertEqual((code, out), (1, ""))
        self.assertIn(f"{cards}: models[0].rates[0].input: expected an integer", err)


class Requests(Scratch):
    def test_strategy(self):
        code, out, err = run("strategy", given=json.dumps(STRATEGY_REQUEST))
        self.assertEqual((code, err), (0, ""))
        got = json.loads(out)
        self.assertIn(got["strategy"], ["balanced", "aggressive", "economic", "defensive"])
        self.assertIn(got["focus"], ["resources", "territory", "combat"])
        self.assertTrue(1 <= len(got["priorities"]) <= 7)
        self.assertTrue(5 <= len(got["description"]) <= 200)
        self.assertEqual(got["source"], "engine")
        self.assertIn("reasons", got)
        self.assertIn("confidence", got)
        _, line, _ = run("strategy", "--json", given=json.dumps(STRATEGY_REQUEST))
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(json.loads(line), got)

    def test_adaptation(self):
        request = dict(STRATEGY_REQUEST, current_strategy={
            "strategy": "balanced", "focus": "resources", "priorities": ["collect_energy"],
            "description": "Collect first."},
            opponent_history=[{"tick": 100, "territory": 40, "agents": {"attacker": 5},
                               "actions": ["raid"]}])
        code, out, err = run("strategy", "--adapt", given=json.dumps(request))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("opponent", json.loads(out))

    def test_agent(self):
        code, out, err = run("agent", given=json.dumps(AGENT_REQUEST))
        self.assertEqual((code, err), (0, ""))
        got = json.loads(out)
        self.assertIn(got["role"], ["collector", "explorer", "defender", "attacker"])
        self.assertEqual(set(got["attributes"]),
                         {"speed", "health", "attack", "defense", "carryCapacity"})
        self.assertTrue(all(0.1 <= v <= 1 for v in got["attributes"].values()))
        self.assertIn(got["priority"], ["energy", "materials", "data"])

    def test_the_examples_in_the_help_work(self):
        for command in ["strategy", "agent"]:
            _, text, _ = run(command, "--help")
            example = re.search(r"echo '(.*?)'", text, re.S).group(1)
            code, out, err = run(command, given=example)
            self.assertEqual((code, err), (0, ""))
            json.loads(out)

    def test_bad_requests_are_1_and_name_the_member(self):
        for command, request in [("strategy", STRATEGY_REQUEST), ("agent", AGENT_REQUEST)]:
            broken = {k: v for k, v in request.items() if k != "resources"}
            self.assertIn("resources", self.refused(1, command, given=json.dumps(broken)))
            detail = json.loads(self.refused(1, command, "--json", given=json.dumps(broken)))["detail"]
            self.assertEqual(detail[0]["loc"][-1], "resources")
            self.assertEqual(set(detail[0]), {"type", "loc", "msg", "input"})
            self.refused(1, command, given="[]")
            self.assertIn("line 1, column", self.refused(1, command, given="{\"team_id\":"))
            self.refused(1, command)
            self.refused(1, command, given="[" * 5000)
            self.refused(2, command, given=b" " * (2 << 20))


def main():
    global REDOUBT
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    REDOUBT = os.path.abspath(sys.argv[1])
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
