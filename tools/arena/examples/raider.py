#!/usr/bin/env python3
"""A bot for `redoubt arena`: fast attackers go for whoever is near, collectors pay for them.

    redoubt arena strategist 'exec:python3 tools/arena/examples/raider.py' --games 4
"""
import json
import sys

FAST = {"speed": 1000, "health": 700, "attack": 1000, "defense": 200, "carry_capacity": 100}
WORKER = {"speed": 600, "health": 300, "attack": 100, "defense": 200, "carry_capacity": 1000}
COLLECTORS = 4


def say(message):
    print(json.dumps(message), flush=True)


class Bot:
    def __init__(self, hello):
        self.team, self.map, self.rules = hello["team"], hello["map"], hello["rules"]
        self.home = self.map["bases"][self.team]
        self.others = [base for base in self.map["bases"] if base != self.home]

    def distance(self, a, b):
        (qa, ra), (qb, rb) = self.axial(a), self.axial(b)
        return max(abs(qa - qb), abs(ra - rb), abs(qa - qb + ra - rb))

    def axial(self, cell):
        row, column = divmod(cell, self.map["width"])
        return column - (row - row % 2) // 2, row

    def orders(self, view):
        out = []
        busy = [a["order"]["cell"] for a in view["own"] if a["order"]["kind"] == "collect"]
        for agent in view["own"]:
            order = self.fight(view, agent) if agent["role"] == "attacker" else self.work(view, agent, busy)
            if order:
                out.append({"agent": agent["id"], **order})
        collectors = sum(a["role"] == "collector" for a in view["own"])
        role, design = ("collector", WORKER) if collectors < COLLECTORS else ("attacker", FAST)
        if view["tick"] >= view["spawn_ready_tick"]:  # what is too dear is dropped, and costs nothing
            out.append({"kind": "spawn", "role": role, "attributes": design})
        return out

    def fight(self, view, agent):
        healing = agent["order"]["kind"] == "return"
        if agent["health"] * 1000 < agent["health_max"] * (800 if healing else 350):
            return {"kind": "return"}
        fresh = [e for e in view["enemies"] if view["tick"] - e["seen_tick"] < 150]
        if fresh:
            prey = min(fresh, key=lambda e: self.distance(agent["cell"], e["cell"]) + e["health"] / 20000)
            return {"kind": "attack", "target": prey["id"], "cell": prey["cell"]}
        theirs = [s for s in view["sites"] if view["tick"] - s["seen_tick"] > 30 and
                  min(self.distance(s["cell"], b) for b in self.others) < self.distance(s["cell"], self.home)]
        if theirs:
            goal = min(theirs, key=lambda s: self.distance(agent["cell"], s["cell"]))["cell"]
            return {"kind": "attack", "cell": goal}
        return None

    def work(self, view, agent, busy):
        if agent["order"]["kind"] == "collect" and (agent["load"] or agent["cell"] != self.home):
            return None  # a round is not broken off
        sites = [s for s in view["sites"] if s["stock"] > 2 and s["cell"] not in busy]
        if not sites:
            return None
        best = min(sites, key=lambda s: self.distance(self.home, s["cell"]))
        busy.append(best["cell"])
        return {"kind": "collect", "cell": best["cell"]}


bot = None
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "hello":
        bot = Bot(message)
        say({"type": "ready", "name": "raider.py"})
    elif message["type"] == "view":
        say({"type": "orders", "tick": message["tick"], "orders": bot.orders(message)})
