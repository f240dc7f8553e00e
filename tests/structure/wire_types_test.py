"""What tools/wire-types makes of a schema.

Run by `tools/test structure`, or: python3 -m unittest discover -s tests/structure -p '*_test.py'
"""
import importlib.machinery
import importlib.util
import os
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def load():
    loader = importlib.machinery.SourceFileLoader("wire_types", os.path.join(ROOT, "tools", "wire-types"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


wire = load()


class Types(unittest.TestCase):
    def test_of_values(self):
        for schema, expected in (
            ({}, "unknown"),
            ({"type": "integer"}, "number"),
            ({"type": ["string", "null"]}, "string | null"),
            ({"type": ["number", "integer"]}, "number"),
            ({"const": "call"}, "'call'"),
            ({"enum": ["a", 1]}, "'a' | 1"),
            ({"$ref": "#/components/schemas/Door"}, "Door"),
            ({"type": "array", "items": {"$ref": "#/components/schemas/Door"}}, "Door[]"),
            ({"type": "array", "items": {"type": ["string", "integer"]}}, "(string | number)[]"),
            ({"type": "object"}, "object"),
            ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
            ({"allOf": [{"$ref": "#/components/schemas/Door"}, {"type": "object"}]}, "Door & object"),
        ):
            with self.subTest(schema=schema):
                self.assertEqual(wire.type_of(schema, ""), expected)

    def test_of_an_object(self):
        door = {"type": "object", "description": "It opens", "required": ["id"],
                "properties": {"id": {"type": "string"}, "open": {"type": "boolean", "description": "Now"}}}
        self.assertEqual(wire.declared("Door", door),
                         "/** It opens */\nexport interface Door {\n  id: string;\n  /** Now */\n  open?: boolean;\n}\n")

    def test_of_a_list_of_names(self):
        self.assertEqual(wire.declared("Focus", {"enum": ["a", "b"]}),
                         "export const FOCUSES = ['a', 'b'] as const;\n"
                         "export type Focus = (typeof FOCUSES)[number];\n")
        self.assertEqual([wire.plural(name) for name in ("Role", "Priority")], ["Roles", "Priorities"])

    def test_what_is_referred_to_comes_first_and_the_rest_not_at_all(self):
        schemas = {root: {} for root in wire.ROOTS}
        schemas[wire.ROOTS[0]] = {"items": {"$ref": "#/components/schemas/Door"}}
        schemas |= {"Door": {}, "Wall": {}}
        self.assertEqual(wire.reached(schemas), ["Door"] + wire.ROOTS)


if __name__ == "__main__":
    unittest.main()
