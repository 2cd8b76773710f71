"""A good call of every route of src/api/openapi.yaml, for tests that try something on each.

The method, the path and what may be sent are the contract's; this table adds what a contract cannot
know: values that are right. uncovered() says what the two do not have in common, so that neither a
route nor a member of a body is forgotten.
"""

import dataclasses
import json
import re

from harness import ROOT
from openapi_contract import Contract, resolve  # harness knows where it lies

CONTRACT = Contract.load(ROOT / "src/api/openapi.yaml")
SCOPES = ("login", "contacts:read", "contacts:write", "admin")

CONTACT_MEMBERS = {
    "email": "jane@example.org",
    "first_name": "Jane",
    "last_name": "Doe",
    "phone": "+49 228 1",
    "fields": {"CITY": "Bonn"},
}
MEMBERSHIP = {"add": ["1"], "remove": ["2"]}


@dataclasses.dataclass(frozen=True)
class Route:
    """`scope` None: needs no key. Every member that the contract describes is in one of `bodies`,
    every parameter in `query`. `session`: sends the token of one."""

    scope: str
    bodies: tuple = ()
    query: dict = dataclasses.field(default_factory=dict)
    session: bool = False


ROUTES = {
    "login": Route("login", ({
        "email": "jane@example.org", "password": "a password", "client_ip": "203.0.113.7",
    },)),
    "logout": Route("login", session=True),
    "getSession": Route("login", session=True),
    "getContact": Route("contacts:read", query={"refresh": "never"}),
    "upsertContact": Route("contacts:write", (CONTACT_MEMBERS,)),
    "patchContact": Route("contacts:write", (CONTACT_MEMBERS,)),
    "eraseContact": Route("admin"),
    "changeTags": Route("contacts:write", ({**MEMBERSHIP, "create_missing": True},)),
    "changeAutomations": Route("contacts:write", (MEMBERSHIP,)),
    "changeLists": Route("contacts:write", ({"add": ["1"], "remove": ["1"]},)),
    "changePassword": Route("admin", (
        {"action": "generate", "force": True},
        {"action": "set", "password": "a password of mine", "current_password": "a password",
         "session": "x" * 43},
        {"action": "link", "push": True},
    )),
    "getChanges": Route("contacts:read", query={"after": "0", "wait": "0", "limit": "10"}),
    "getJob": Route("contacts:read"),
    "getStatus": Route("admin"),
    "getContract": Route(None),
    "getLiveness": Route(None),
    "getReadiness": Route(None, query={"verbose": ""}),
    "getMetrics": Route(None),
}


@dataclasses.dataclass(frozen=True)
class Call:
    """An operation of the contract with its route."""

    name: str
    method: str
    template: str
    operation: dict
    route: Route

    def path(self, **values):
        """The template with these values, which are to be percent-encoded, for its {names}."""
        return re.sub(r"{(.+?)}", lambda found: str(values[found[1]]), self.template)

    def body(self):
        """The first of the bodies as it is sent; empty if there is none."""
        return json.dumps(self.route.bodies[0]).encode() if self.route.bodies else b""

    def parameters(self, where):
        """What may be sent there ("query", "header", "path"), as the contract describes it."""
        listed = CONTRACT.paths[self.template].get("parameters", [])
        listed = listed + self.operation.get("parameters", [])
        resolved = [resolve(CONTRACT.document, parameter) for parameter in listed]
        return {each["name"]: each for each in resolved if each["in"] == where}

    def members(self):
        """The schemas of the members that a body may have, by name."""
        if "requestBody" not in self.operation:
            return {}
        return properties(self.operation["requestBody"]["content"]["application/json"]["schema"])


def properties(schema):
    schema = resolve(CONTRACT.document, schema)
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []) + schema.get("oneOf", []):
        found.update(properties(part))
    return found


def calls():
    """All of them, but those that the table lacks."""
    return [
        Call(operation["operationId"], method, template, operation, ROUTES[operation["operationId"]])
        for method, template, operation in CONTRACT.operations()
        if operation["operationId"] in ROUTES
    ]


def uncovered():
    """What the contract and the table above do not have in common, as sentences."""
    described = {operation["operationId"] for _, _, operation in CONTRACT.operations()}
    findings = [f"{name} is in one place only" for name in sorted(described ^ set(ROUTES))]
    for call in calls():
        sent = {member for body in call.route.bodies for member in body}
        findings += [f"{call.name}: {member} is in one place only"
                     for member in sorted(sent ^ set(call.members()))]
        findings += [f"{call.name}: ?{name} is in one place only"
                     for name in sorted(set(call.route.query) ^ set(call.parameters("query")))]
        if call.route.session != ("Membergate-Session" in call.parameters("header")):
            findings.append(f"{call.name}: Membergate-Session is in one place only")
        if bool(call.route.scope) != (call.operation.get("security") != []):
            findings.append(f"{call.name}: one of the two says that it needs no key")
    return findings


def in_source():
    """(method, path) of each route that src/api registers; a path that is put together from parts
    ends with the first one's slash."""
    found = set()
    for file in (ROOT / "src/api").glob("*.cpp"):
        found |= set(re.findall(r'router\.add\(\s*"([A-Z]+)",\s*"([^"]+)"', file.read_text()))
    return found


def not_described():
    """The routes of the source that are not in the contract."""
    described = {(method, template) for method, template, _ in CONTRACT.operations()}
    return [
        f"{method} {path}" for method, path in sorted(in_source())
        if not any(method == m and (path == t or path.endswith("/") and t.startswith(path))
                   for m, t in described)
    ]
