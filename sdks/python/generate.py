#!/usr/bin/env python3
"""Writes `src/angarium/types.py` and `src/angarium/resources.py` from `docs/openapi.json`.

    sdks/python/generate.py            write both
    sdks/python/generate.py --check    fail where they are not what would be written

The client's behaviour is written by hand (`_core.py`, `_events.py`, `pages.py`, `signatures.py`); this writes what there
is one of for each operation and each schema, so that the SDK cannot lag behind the API. An operation becomes a method of
the resource that its tag names, called as its operationId less the words of the tag: `pauseWebhook` is
`webhooks.pause`.
"""

from __future__ import annotations

import argparse
import json
import keyword
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "docs" / "openapi.json"
PACKAGE = HERE / "src" / "angarium"
WIDTH = 120

METHOD_NAMES = {
    "createConversationMessage": "create_in_conversation",
    "listConversationMessages": "list_in_conversation",
    "publishEvents": "publish_batch",
    "recordingCall": "add_recording",
    "redriveDeadLetters": "redrive_all",
    "discardDeadLetters": "discard_all",
}
"""Where the rule would give two methods one name, or one that says something else."""
RESOURCE_NAMES = {"Sign in": "auth"}
"""Where a tag is no good name of a resource."""
METHODS = ("get", "post", "put", "patch", "delete")
OWN_HEADERS = {"if-match"}
"""Header parameters that a method takes; the core sends the others."""
STREAM = "text/event-stream"
STREAM_NOTE = "This method begins again by itself, and gives no attempt twice. Closing the generator ends the stream."

Schema = dict[str, Any]


def words(name: str) -> list[str]:
    """`rotateWebhookSecret` → rotate, webhook, secret."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]


def snake(name: str) -> str:
    return "_".join(words(name))


def pascal(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", name))


def class_name(name: str) -> str:
    """`API keys` → ApiKeys."""
    return "".join(word.capitalize() for word in words(name))


def singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


class Document:
    """An OpenAPI document, with its references followed."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value

    def resolve(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            found: Any = self.value
            for part in node["$ref"].lstrip("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def properties(self, schema: Schema) -> tuple[dict[str, Schema], set[str]]:
        """The properties of an object and which of them are required, with `allOf` merged."""
        schema = self.resolve(schema)
        found = dict(schema.get("properties") or {})
        required = set(schema.get("required") or ())
        for part in schema.get("allOf") or ():
            more, needed = self.properties(part)
            found = {**more, **found}
            required |= needed
        return found, required

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The path, the method, and what there is to it."""
        for path, item in self.value["paths"].items():
            for method in METHODS:
                if method in item:
                    parameters = self._parameters(item, item[method])
                    security = item[method].get("security", self.value.get("security")) or []
                    yield path, method, {**item[method], "parameters": parameters, "security": security}

    def _parameters(self, item: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
        given = [self.resolve(one) for one in [*(item.get("parameters") or ()), *(operation.get("parameters") or ())]]
        return list({(one["in"], one["name"]): one for one in given}.values())


class Types:
    """The module `types`: a TypedDict for each object, an alias for each other schema that has a name."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.written: dict[str, str] = {}
        self._names: dict[str, str] = {}
        # The document repeats a schema inside the envelopes that hold it.
        schemas = (document.value.get("components") or {}).get("schemas") or {}
        self._known = {_shape(schema): f"#/components/schemas/{name}" for name, schema in schemas.items()}

    def of(self, schema: Any, name: str) -> str:
        """The annotation of a schema; `name` is for an object that has none of its own."""
        if schema is True or schema is None or schema == {}:
            return "Any"
        if "$ref" in schema:
            return self._named(schema["$ref"])
        known = self._known.get(_shape(schema))
        if known and known not in self._names and ("properties" in schema or "allOf" in schema):
            return self._named(known)
        if known in self._names and self._names[known] != name:
            return self._names[known]
        kinds = schema.get("type")
        if isinstance(kinds, list):
            parts = [self.of({**schema, "type": kind}, name) for kind in kinds if kind != "null"]
            return _union(parts, optional="null" in kinds)
        for key in ("oneOf", "anyOf"):
            if key in schema:
                rest = [one for one in schema[key] if one.get("type") != "null"]
                parts = [self.of(one, name if len(rest) == 1 else f"{name}{n}") for n, one in enumerate(rest, 1)]
                return _union(parts, optional=len(rest) < len(schema[key]))
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        if "enum" in schema:
            values = [value for value in schema["enum"] if value is not None]
            return _union([f"Literal[{', '.join(map(_literal, values))}]"], optional=None in schema["enum"])
        return self._plain(schema, kinds, name)

    def _plain(self, schema: Schema, kind: str | None, name: str) -> str:
        if len(schema.get("allOf") or ()) == 1 and not schema.get("properties"):
            return self.of(schema["allOf"][0], name)
        if "properties" in schema or "allOf" in schema:
            self._write_object(name, schema)
            return name
        if kind == "array":
            return f"list[{self.of(schema.get('items'), singular(name))}]"
        if kind == "object":
            rest = schema.get("additionalProperties")
            return f"dict[str, {self.of(rest, name + 'Value') if isinstance(rest, dict) else 'Any'}]"
        return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}.get(
            kind or "", "Any"
        )

    def _named(self, reference: str) -> str:
        if reference in self._names:
            return self._names[reference]
        name = pascal(reference.rsplit("/", 1)[1])
        self._names[reference] = name
        schema = self.document.resolve({"$ref": reference})
        annotation = self.of(schema, name)
        if annotation != name:
            # Ids, times and the like: their own type says more where it is a choice or a shape.
            if annotation in ("str", "int", "float", "bool"):
                self._names[reference] = annotation
            else:
                self.written[name] = f"{name} = {annotation}\n{_docstring(schema, '')}"
        return self._names[reference]

    def _write_object(self, name: str, schema: Schema) -> None:
        if name in self.written:
            return
        self.written[name] = ""  # It may hold itself.
        fields, required = self.document.properties(schema)
        typed = {field: self.of(value, name + pascal(field)) for field, value in fields.items()}
        doc = _docstring(schema, "    ")
        if any(not field.isidentifier() or keyword.iskeyword(field) for field in fields):
            pairs = ", ".join(f"{field!r}: {annotation!r}" for field, annotation in typed.items())
            self.written[name] = f"{name} = TypedDict({name!r}, {{{pairs}}}, total=False)\n"
            return

        def lines(of: list[str]) -> str:
            return "".join(f"{_field(field, typed[field])}{_docstring(fields[field], '    ')}" for field in of)

        always = [field for field in fields if field in required]
        maybe = [field for field in fields if field not in required]
        if always and maybe:
            text = f"class _{name}(TypedDict):\n{lines(always)}\n\nclass {name}(_{name}, total=False):\n{doc}{lines(maybe)}"
        elif maybe:
            text = f"class {name}(TypedDict, total=False):\n{doc}{lines(maybe)}"
        else:
            text = f"class {name}(TypedDict):\n{doc}" + (lines(always) or "    pass\n")
        del self.written[name]  # What it uses comes first.
        self.written[name] = text


def _shape(schema: Any) -> str:
    """Equal for schemas that say the same."""
    return json.dumps({key: value for key, value in schema.items() if key != "example"}, sort_keys=True)


def _union(parts: list[str], optional: bool) -> str:
    parts = list(dict.fromkeys(parts))
    text = "Any" if "Any" in parts or not parts else parts[0] if len(parts) == 1 else f"Union[{', '.join(parts)}]"
    return f"Optional[{text}]" if optional and text != "Any" else text


def _field(name: str, annotation: str) -> str:
    line = f"    {name}: {annotation}\n"
    found = re.fullmatch(r"(Optional\[)?Literal\[([^\[\]]*)\](\])?", annotation)
    if len(line) <= WIDTH or not found:
        return line
    values = textwrap.indent(textwrap.fill(f"{found[2]},", WIDTH - 8), " " * 8)
    return f"    {name}: {found[1] or ''}Literal[\n{values}\n    ]{found[3] or ''}\n"


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _docstring(schema: Any, indent: str) -> str:
    text = schema.get("description") if isinstance(schema, dict) else None
    return _quoted(text, indent) if text else ""


def _quoted(text: str, indent: str) -> str:
    text = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    width = WIDTH - len(indent)
    body = "\n\n".join(textwrap.fill(part, width, break_long_words=False) for part in paragraphs)
    one_line = "\n" not in body and len(body) + 6 <= width
    ends = "" if one_line else "\n"
    if body.endswith('"'):
        body += " "
    return textwrap.indent(f'"""{body}{ends}"""', indent, lambda line: bool(line.strip())) + "\n"


@dataclass
class Result:
    """What a method returns, and how it gets it."""

    annotation: str
    is_page: bool = False
    kind: str = "data"


class Resources:
    """The module `resources`: a class for each tag, a method for each operation."""

    def __init__(self, document: Document, types: Types) -> None:
        self.document = document
        self.types = types
        self.tags = {tag["name"]: tag.get("description") for tag in document.value.get("tags") or ()}
        self.about: dict[str, str] = {}
        self.methods: dict[str, dict[str, str]] = {}

    def add(self, path: str, method: str, operation: dict[str, Any]) -> None:
        tag = (operation.get("tags") or ["Other"])[0]
        resource = RESOURCE_NAMES.get(tag, tag)
        self.about.setdefault(resource, self.tags.get(tag) or f"{tag}.")
        name = METHOD_NAMES.get(operation["operationId"]) or self._name(operation["operationId"], resource)
        methods = self.methods.setdefault(resource, {})
        if name in methods:
            raise SystemExit(f"{operation['operationId']}: {snake(resource)}.{name} is taken; give it a name in METHOD_NAMES")
        methods[name] = self._method(name, path, method, operation)

    @staticmethod
    def _name(operation_id: str, tag: str) -> str:
        noun = {singular(word) for word in words(tag)}
        rest = [word for word in words(operation_id) if singular(word) not in noun]
        name = "_".join(rest or words(operation_id))
        return name + "_" if keyword.iskeyword(name) else name

    def _method(self, name: str, path: str, method: str, operation: dict[str, Any]) -> str:
        parameters = operation["parameters"]
        ids = [snake(one) for one in re.findall(r"{(\w+)}", path)]
        query = [one for one in parameters if one["in"] == "query"]
        takes = [f"{name}: str" for name in ids] + (["/"] if ids else [])
        keywords = [f"{one['name']}: Optional[{self._query_type(one)}] = None" for one in query]
        gives = []
        if any(one["in"] == "header" and one["name"].lower() in OWN_HEADERS for one in parameters):
            keywords.append("if_match: Union[str, int, None] = None")
            gives.append('headers={"If-Match": _tag(if_match)}')
        if method == "post":
            keywords.append("idempotency_key: Optional[str] = None")
            gives.append("idempotency_key=idempotency_key")
        body, positional = self._body(operation)
        if body and positional:
            takes.append(f"body: {body}")
            gives.insert(0, "body=body")
        elif body:
            keywords.append(f"**body: Unpack[{body}]")
            gives.insert(0, "body=body")
        if keywords and not keywords[0].startswith("**"):
            takes.append("*")
        result = self._result(operation)
        operation_text = self._operation(path, method, operation)
        lines = self._lines(operation_text, ids, query, gives, result)
        text = "\n\n".join(filter(None, [operation.get("summary"), operation.get("description")]))
        if result.kind == "stream":
            text += f"\n\n{STREAM_NOTE}"
        scopes = [scope for one in operation["security"] for scope in one.get("apiKey", ())]
        if scopes:
            text += f"\n\nThe key needs `{'` and `'.join(scopes)}`."
        doc = _quoted(text.strip() + ("" if text.strip().endswith(".") else "."), "        ")
        return _definition(name, ["self", *takes, *keywords], result.annotation) + doc + lines

    def _lines(
        self, operation: str, ids: list[str], query: list[dict[str, Any]], gives: list[str], result: Result
    ) -> str:
        pad = "        "
        text = f"{pad}operation = {operation}\n"
        arguments = ["operation", f"[{', '.join(ids)}]"]
        if query:
            pairs = "".join(f'{pad}    "{one["name"]}": {one["name"]},\n' for one in query)
            text += f"{pad}query: dict[str, Any] = {{\n{pairs}{pad}}}\n"
            gives = ["query=query", *gives]
        if result.is_page:
            return text + f"{pad}return self._page({', '.join([*arguments, 'query'])})\n"
        if result.kind == "stream":
            return text + f"{pad}return self._core.stream({', '.join([*arguments, *gives])})\n"
        call = f"self._core.call({', '.join([*arguments, *gives])})"
        if result.kind == "none":
            return text + f"{pad}{call}\n"
        if result.kind == "text":
            return text + f"{pad}return {call}.body.decode()\n"
        line = f"{pad}answer: {result.annotation} = {call}.data()\n"
        if len(line) > WIDTH:
            inner = ", ".join([*arguments, *gives])
            line = f"{pad}answer: {result.annotation} = self._core.call(\n{pad}    {inner}\n{pad}).data()\n"
        return text + line + f"{pad}return answer\n"

    def _operation(self, path: str, method: str, operation: dict[str, Any]) -> str:
        schemes = [name for one in operation["security"] for name in one]
        parts = [f'"{operation["operationId"]}"', f'"{method.upper()}"', f'"{path}"']
        auth = tuple(dict.fromkeys("apiKey" if "key" in name.lower() else "session" for name in schemes))
        if auth != ("apiKey",):
            parts.append(repr(auth).replace("'", '"'))
        media = next(iter((self.document.resolve(operation.get("requestBody")) or {}).get("content") or ()), None)
        if media and media != "application/json":
            parts.append(f'media_type="{media}"')
        return f"Operation({', '.join(parts)})"

    def _query_type(self, parameter: dict[str, Any]) -> str:
        schema = self.document.resolve(parameter.get("schema") or {})
        annotation = self.types.of(parameter.get("schema") or {}, pascal(parameter["name"]))
        if schema.get("type") == "array":
            return "Sequence[str]"
        match = re.fullmatch(r"Optional\[(.*)\]", annotation)
        annotation = match[1] if match else annotation
        return annotation if re.fullmatch(r"str|int|bool|float|Literal\[.*\]", annotation) else "str"

    def _body(self, operation: dict[str, Any]) -> tuple[str | None, bool]:
        content = (self.document.resolve(operation.get("requestBody")) or {}).get("content") or {}
        schema = next((one.get("schema") for one in content.values()), None)
        if schema is None:
            return None, False
        annotation = self.types.of(schema, pascal(operation["operationId"]) + "Body")
        match = re.fullmatch(r"Optional\[(\w+)\]", annotation)
        annotation = match[1] if match else annotation
        is_object = annotation in self.types.written and "TypedDict" in self.types.written[annotation].split("\n")[0]
        is_object = is_object or f"class {annotation}(_" in self.types.written.get(annotation, "")
        return self._qualified(annotation), not is_object

    def _result(self, operation: dict[str, Any]) -> Result:
        success = {code: one for code, one in operation["responses"].items() if code.startswith("2")}
        answers = [self.document.resolve(one) for one in success.values()]
        content = next((one["content"] for one in answers if one.get("content")), None)
        if content is None:
            return Result("None", kind="none")
        if STREAM in content:
            event = self.types.of(content[STREAM].get("schema"), pascal(operation["operationId"]) + "Event")
            return Result(f"Generator[{self._qualified(event)}, None, None]", kind="stream")
        media = next((name for name in content if "json" in name), None)
        if media is None:
            return Result("str", kind="text")
        schema = content[media].get("schema") or {}
        fields, _ = self.document.properties(schema)
        name = pascal(operation["operationId"]) + "Data"
        if "success" not in fields or "data" not in fields:
            return Result(self._qualified(self.types.of(schema, name)))
        data = fields["data"]
        rows = self._rows(fields, data)
        if rows is not None:
            return Result(f"Page[{self._qualified(self.types.of(rows, singular(name)))}]", is_page=True)
        return Result(self._qualified(self.types.of(data, name)))

    def _rows(self, fields: dict[str, Schema], data: Schema) -> Schema | None:
        resolved = self.document.resolve(data)
        if "pagination" in fields and resolved.get("type") == "array":
            return resolved.get("items") or {}
        inner, _ = self.document.properties(data)
        if {"total", "page", "limit", "totalPages"} <= set(inner):
            lists = [self.document.resolve(one) for one in inner.values()]
            return next((one.get("items") or {} for one in lists if one.get("type") == "array"), None)
        return None

    def _qualified(self, annotation: str) -> str:
        """As it is spelled in this module, where many classes have a method `list`."""
        return re.sub(r"\w+", lambda found: self._qualify(found[0]), annotation)

    def _qualify(self, word: str) -> str:
        return f"types.{word}" if word in self.types.written else "List" if word == "list" else word


def _definition(name: str, takes: list[str], returns: str) -> str:
    line = f"    def {name}({', '.join(takes)}) -> {returns}:\n"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"        {one},\n" for one in takes)
    # A trailing comma is not allowed after **body.
    inner = inner[:-2] + "\n" if takes[-1].startswith("**") else inner
    return f"    def {name}(\n{inner}    ) -> {returns}:\n"


NOTICE = "# Written by generate.py from docs/openapi.json; not to be edited.\n"

TYPES_HEAD = f'''"""What the API takes and gives: a TypedDict for each schema of its OpenAPI document."""

{NOTICE}
from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict, Union
'''

RESOURCES_HEAD = f'''"""The operations of the API, by what they are about: a method for each operation of its OpenAPI document.

Arguments have the API's own names. Ids are positional; the fields of a request's body, the parameters of its query,
`if_match` and `idempotency_key` are keywords.
"""

{NOTICE}
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generator, List, Literal, Optional, Sequence, Union

from . import types
from ._core import Core, Operation
from .pages import Page

if TYPE_CHECKING:
    from typing_extensions import Unpack


def _tag(version: Union[str, int, None]) -> Optional[str]:
    """An `If-Match` from a resource's `version`, or an `ETag` as it came."""
    return f'"{{version}}"' if isinstance(version, int) else version


class _Resource:
    def __init__(self, core: Core) -> None:
        self._core = core

    def _page(self, operation: Operation, ids: Sequence[str], query: dict[str, Any]) -> Page[Any]:
        def fetch(query: Any) -> Any:
            return self._core.call(operation, ids, query=query).json()

        return Page(fetch(query), fetch, query)
'''


def generate(document: Document) -> dict[Path, str]:
    """The text of both modules."""
    types = Types(document)
    resources = Resources(document, types)
    for path, method, operation in document.operations():
        resources.add(path, method, operation)
    texts = [text.rstrip("\n") + "\n" for text in types.written.values()]
    types_text = "\n\n".join([TYPES_HEAD, *texts])
    parts = [RESOURCES_HEAD]
    for name, methods in resources.methods.items():
        doc = _quoted(resources.about[name], "    ")
        parts.append(f"class {class_name(name)}(_Resource):\n{doc}\n" + "\n".join(methods.values()))
    fields = "".join(f"        self.{snake(name)} = {class_name(name)}(core)\n" for name in resources.methods)
    parts.append(
        'class Resources:\n    """All of them."""\n\n    def __init__(self, core: Core) -> None:\n'
        f"        self._core = core\n{fields}"
    )
    resources_text = "\n\n".join(parts)
    for word in ("Generator", "List", "Literal"):
        if f"{word}[" not in resources_text:
            resources_text = resources_text.replace(f"{word}, ", "")
    return {PACKAGE / "types.py": types_text, PACKAGE / "resources.py": resources_text}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a file is not what would be written")
    check = parser.parse_args().check
    stale = []
    for file, text in generate(Document(json.loads(DOCUMENT.read_text(encoding="utf-8")))).items():
        if check:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(file)
        else:
            file.write_text(text, encoding="utf-8")
    for file in stale:
        print(f"{file.relative_to(HERE)} is stale: run sdks/python/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
