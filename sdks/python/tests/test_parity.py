"""The SDK has all that the API's document has."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import unittest
from collections.abc import Iterator
from typing import Any

import generate
from angarium import CODES, Client, resources

PYTHON_MIN = (3, 9)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects(value)


class Parity(unittest.TestCase):
    document: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        cls.document = json.loads(generate.DOCUMENT.read_text(encoding="utf-8"))

    def test_every_operation_has_a_method(self) -> None:
        source = (generate.PACKAGE / "resources.py").read_text(encoding="utf-8")
        methods = set(re.findall(r'Operation\("(\w+)"', source))
        operations = {one["operationId"] for _, _, one in generate.Document(self.document).operations()}
        self.assertGreater(len(operations), 20)
        self.assertEqual(methods, operations)

    def test_what_is_generated_is_committed(self) -> None:
        for file, text in generate.generate(generate.Document(self.document)).items():
            with self.subTest(file.name):
                self.assertEqual(file.read_text(encoding="utf-8"), text, "run sdks/python/generate.py")

    def test_every_code_is_known(self) -> None:
        schemas = self.document["components"]["schemas"]
        enums = [one["enum"] for one in objects(schemas) if "VALIDATION_ERROR" in one.get("enum", ())]
        self.assertGreater(len(enums), 0, "a schema lists the codes")
        for codes in enums:
            self.assertEqual(set(codes) - set(CODES), set())

    def test_every_resource_is_in_the_client(self) -> None:
        client = Client("k")
        classes = {
            one for one in vars(resources).values() if isinstance(one, type) and issubclass(one, resources._Resource)
        } - {resources._Resource}
        self.assertEqual({type(one) for one in vars(client).values() if isinstance(one, resources._Resource)}, classes)

    def test_the_oldest_python_can_read_it(self) -> None:
        for file in sorted(generate.PACKAGE.glob("*.py")):
            with self.subTest(file.name):
                ast.parse(file.read_text(encoding="utf-8"), feature_version=PYTHON_MIN)

    def test_the_examples_of_the_readme_can_be_read(self) -> None:
        blocks = re.findall(r"```python\n(.*?)```", (generate.HERE / "README.md").read_text(encoding="utf-8"), re.S)
        self.assertGreater(len(blocks), 3)
        for block in blocks:
            ast.parse("def example():\n" + textwrap.indent(block, "    "), feature_version=PYTHON_MIN)


if __name__ == "__main__":
    unittest.main()
