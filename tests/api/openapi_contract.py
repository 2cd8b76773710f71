"""Holds HTTP answers against an OpenAPI 3.0 document.

Knows the part of OpenAPI that src/api/openapi.yaml uses, and refuses a document that uses more, so
that nothing in it is passed over in silence:

    contract = Contract.load("src/api/openapi.yaml")
    findings = contract.check_answer("GET", "/membergate/v1/contacts/{contact}", 200, headers, body)
    assert not findings, findings

`headers` maps names (any case) to values, `body` is text or bytes. template_of() finds the template
of a path as it was requested.
"""

import json
import re

import yaml

METHODS = {"get", "head", "post", "put", "patch", "delete"}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
CHECKED = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "pattern",
    "nullable", "allOf", "oneOf", "minimum", "maximum", "minLength", "maxLength", "maxItems",
}
TOLD = {"description", "example", "default", "title"}


def resolve(document, node):
    """Follows a $ref within the document."""
    while isinstance(node, dict) and "$ref" in node:
        path = node["$ref"]
        if not path.startswith("#/"):
            raise ValueError(f"{path}: only references within the document are known")
        node = document
        for part in path[2:].split("/"):
            if part not in node:
                raise ValueError(f"{path} leads nowhere")
            node = node[part]
    return node


class SchemaCheck:
    """The findings of one value against one schema."""

    def __init__(self, document):
        self.document = document
        self.findings = []

    def check(self, value, schema, where):
        schema = resolve(self.document, schema)
        unknown = schema.keys() - CHECKED - TOLD
        if unknown:
            raise ValueError(f"{where}: the schema uses {sorted(unknown)}")
        if value is None and schema.get("nullable"):
            return
        self.check_type(value, schema, where)
        self.check_scalar(value, schema, where)
        if isinstance(value, dict):
            self.check_object(value, schema, where)
        if isinstance(value, list):
            if len(value) > schema.get("maxItems", len(value)):
                self.findings.append(f"{where}: too many items")
            for index, item in enumerate(value):
                self.check(item, schema.get("items", {}), f"{where}[{index}]")
        for part in schema.get("allOf", []):
            self.check(value, part, where)
        if "oneOf" in schema:
            self.check_one_of(value, schema["oneOf"], where)

    def check_type(self, value, schema, where):
        wanted = schema.get("type")
        if wanted is None:
            return
        is_right = isinstance(value, TYPES[wanted])
        if isinstance(value, bool) and wanted != "boolean":
            is_right = False
        if not is_right:
            self.findings.append(f"{where}: {json.dumps(value)} is not of type {wanted}")

    def check_scalar(self, value, schema, where):
        shown = json.dumps(value)
        if "enum" in schema and value not in schema["enum"]:
            self.findings.append(f"{where}: {shown} is not one of {schema['enum']}")
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value):
                self.findings.append(f"{where}: {shown} does not match {schema['pattern']}")
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                self.findings.append(f"{where}: {shown} has the wrong length")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                self.findings.append(f"{where}: {shown} is out of range")

    def check_object(self, value, schema, where):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                self.findings.append(f"{where}: has no member {name}")
        extra = schema.get("additionalProperties", True)
        for name, member in value.items():
            if name in properties:
                self.check(member, properties[name], f"{where}.{name}")
            elif extra is False:
                self.findings.append(f"{where}: has a member {name} that is not described")
            elif extra is not True:
                self.check(member, extra, f"{where}.{name}")

    def check_one_of(self, value, choices, where):
        fitting = 0
        for choice in choices:
            attempt = SchemaCheck(self.document)
            attempt.check(value, choice, where)
            fitting += not attempt.findings
        if fitting != 1:
            self.findings.append(f"{where}: fits {fitting} of the choices, not one")


def media_type(content_type):
    return content_type.split(";")[0].strip().lower()


class Contract:
    def __init__(self, document):
        self.document = document
        self.paths = document["paths"]
        self.patterns = [
            (template, re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template))))
            for template in sorted(self.paths, key=lambda path: path.count("{"))
        ]

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as file:
            return Contract(yaml.safe_load(file))

    def template_of(self, path):
        """The template that a requested path (query and all) belongs to; None if there is none."""
        path = path.split("?")[0]
        for template, pattern in self.patterns:
            if pattern.fullmatch(path):
                return template
        return None

    def operation(self, method, template):
        item = self.paths[template]
        return item.get(method.lower()) or (item.get("get") if method == "HEAD" else None)

    def operations(self):
        """(method, template, operation) of all."""
        for template, item in self.paths.items():
            for method in METHODS & item.keys():
                yield method.upper(), template, item[method]

    def check_value(self, value, schema, where="body"):
        check = SchemaCheck(self.document)
        check.check(value, schema, where)
        return check.findings

    def check_answer(self, method, path_template, status, headers, body):
        """What is wrong with the answer, as a list of sentences."""
        headers = {name.lower(): value for name, value in headers.items()}
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        where = f"{method} {path_template} {status}"
        if path_template not in self.paths:
            return [f"{where}: the path is not described"]
        operation = self.operation(method, path_template)
        if operation is None:
            return self.check_wrong_method(path_template, status, headers, where)
        response = operation["responses"].get(str(status))
        if response is None:
            return [f"{where}: the status is not described"]
        response = resolve(self.document, response)
        findings = self.check_headers(response.get("headers", {}), headers, where)
        if method != "HEAD":
            findings += self.check_body(response.get("content"), status, headers, text, where)
        return findings

    def check_wrong_method(self, template, status, headers, where):
        if status != 405:
            return [f"{where}: the method is not described"]
        allowed = {method.strip() for method in headers.get("allow", "").split(",")}
        described = {method.upper() for method in METHODS & self.paths[template].keys()}
        if "GET" in described:
            described.add("HEAD")
        return [] if allowed == described else [f"{where}: Allow is {sorted(allowed)}"]

    def check_headers(self, described, headers, where):
        findings = []
        for name, header in described.items():
            header = resolve(self.document, header)
            value = headers.get(name.lower())
            if value is not None:
                findings += self.check_value(value, header["schema"], f"{where}: header {name}")
            elif header.get("required"):
                findings.append(f"{where}: has no header {name}")
        return findings

    def check_body(self, content, status, headers, text, where):
        if not content:
            return [f"{where}: has a body"] if text else []
        kind = media_type(headers.get("content-type", ""))
        if kind not in content:
            return [f"{where}: the type {kind!r} is not described"]
        if not kind.endswith("json"):
            return [] if text else [f"{where}: has no body"]
        try:
            value = json.loads(text)
        except ValueError as error:
            return [f"{where}: the body is no JSON: {error}"]
        findings = self.check_value(value, content[kind]["schema"], where)
        if kind == "application/problem+json" and value.get("status") != status:
            findings.append(f"{where}: the problem says status {value.get('status')}")
        return findings

    def faults(self):
        """What is wrong with the document itself, as far as its use here goes."""
        findings, seen = [], set()
        for method, template, operation in self.operations():
            where = f"{method} {template}"
            if operation.get("operationId") in seen or not operation.get("operationId"):
                findings.append(f"{where}: needs an operationId of its own")
            seen.add(operation.get("operationId"))
            parameters = self.paths[template].get("parameters", []) + operation.get("parameters", [])
            parameters = [resolve(self.document, parameter) for parameter in parameters]
            named = {p["name"] for p in parameters if p["in"] == "path" and p.get("required")}
            if named != set(re.findall(r"{(.+?)}", template)):
                findings.append(f"{where}: describes the path's parameters {sorted(named)}")
            for status, response in operation["responses"].items():
                response = resolve(self.document, response)
                if not response.get("description"):
                    findings.append(f"{where} {status}: needs a description")
                for kind, content in (response.get("content") or {}).items():
                    if kind.endswith("json"):
                        self.walk(content["schema"], f"{where} {status}")
        for name, schema in self.document["components"]["schemas"].items():
            self.walk(schema, name)
        return findings

    def walk(self, schema, where):
        """Raises ValueError for a schema that check_value() could not hold a value against."""
        schema = resolve(self.document, schema)
        unknown = schema.keys() - CHECKED - TOLD
        if unknown:
            raise ValueError(f"{where}: the schema uses {sorted(unknown)}")
        if schema.get("type", "object") not in TYPES:
            raise ValueError(f"{where}: there is no type {schema['type']}")
        parts = list(schema.get("properties", {}).items())
        parts += [(f"allOf[{i}]", part) for i, part in enumerate(schema.get("allOf", []))]
        parts += [(f"oneOf[{i}]", part) for i, part in enumerate(schema.get("oneOf", []))]
        for name in ("items", "additionalProperties"):
            if isinstance(schema.get(name), dict):
                parts.append((name, schema[name]))
        for name, part in parts:
            self.walk(part, f"{where}.{name}")
