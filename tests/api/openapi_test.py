"""Holds the API's contract against itself, and every answer that the api tests got against it.

    openapi_test.py CONTRACT [ANSWERS]

ANSWERS has one JSON object a line: {"method","path","status","headers","body"}. Each status that
the contract promises must have been answered at least once, apart from those of UNSEEN.
"""

import json
import sys
import unittest

from openapi_contract import Contract

# 500 needs a mistake of ours; the 429 of nginx is seen by the end-to-end tests.
UNSEEN_STATUS = {"500"}
UNSEEN = {
    ("GET", "/membergate/v1/contacts/{contact}", "429"),
    ("POST", "/membergate/v1/contacts", "429"),
    ("PATCH", "/membergate/v1/contacts/{contact}", "429"),
    ("POST", "/membergate/v1/contacts/{contact}/tags", "429"),
    ("POST", "/membergate/v1/contacts/{contact}/automations", "429"),
    ("POST", "/membergate/v1/contacts/{contact}/lists", "429"),
    ("DELETE", "/membergate/v1/contacts/{contact}", "429"),
    ("GET", "/membergate/v1/session", "429"),
    ("POST", "/membergate/v1/logout", "429"),
    ("GET", "/membergate/v1/changes", "429"),
    ("GET", "/membergate/v1/status", "429"),
    ("GET", "/membergate/v1/jobs/{id}", "429"),
    ("GET", "/membergate/v1/jobs/{id}", "400"),  # answered by the router
}


def small_contract(schema):
    return Contract(
        {
            "paths": {
                "/a/{b}": {
                    "get": {
                        "operationId": "a",
                        "responses": {
                            "200": {
                                "description": "",
                                "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                                "content": {"application/json": {"schema": schema}},
                            },
                            "304": {"description": "x"},
                        },
                    }
                }
            },
            "components": {"schemas": {"Id": {"type": "string", "pattern": "^[0-9]+$"}}},
        }
    )


class TheValidator(unittest.TestCase):
    """A validator that lets everything pass proves nothing."""

    schema = {
        "type": "object",
        "required": ["id"],
        "additionalProperties": False,
        "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "n": {"type": "integer", "minimum": 1, "maximum": 3},
            "list": {"type": "array", "maxItems": 2, "items": {"type": "string", "enum": ["x"]}},
            "maybe": {"allOf": [{"$ref": "#/components/schemas/Id"}], "nullable": True},
            "either": {"oneOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]},
        },
    }

    def findings(self, value, status=200, headers=None, method="GET", path="/a/{b}"):
        if headers is None:
            headers = {"content-type": "application/json; charset=utf-8", "etag": '"1"'}
        body = value if isinstance(value, str) else json.dumps(value)
        return small_contract(self.schema).check_answer(method, path, status, headers, body)

    def test_takes_what_fits(self):
        self.assertEqual(self.findings({"id": "1"}), [])
        self.assertEqual(
            self.findings({"id": "1", "n": 3, "list": ["x"], "maybe": None, "either": 5}), []
        )

    def test_finds_what_does_not_fit(self):
        for wrong in (
            {}, [], "{", {"id": 1}, {"id": "x"}, {"id": None}, {"id": "1", "extra": 1},
            {"id": "1", "n": 4}, {"id": "1", "n": "2"}, {"id": "1", "n": True}, {"id": "1", "n": 1.5},
            {"id": "1", "list": ["y"]}, {"id": "1", "list": ["x", "x", "x"]},
            {"id": "1", "maybe": "x"}, {"id": "1", "either": ""}, {"id": "1", "either": False},
        ):
            self.assertNotEqual(self.findings(wrong), [], wrong)

    def test_finds_wrong_statuses_headers_types_and_methods(self):
        plain = {"content-type": "text/plain", "etag": '"1"'}
        self.assertNotEqual(self.findings({"id": "1"}, status=404), [])
        self.assertNotEqual(self.findings({"id": "1"}, headers=plain), [])
        self.assertNotEqual(
            self.findings({"id": "1"}, headers={"content-type": "application/json"}), []
        )
        self.assertNotEqual(self.findings("x", status=304, headers={}), [])
        self.assertNotEqual(self.findings({"id": "1"}, method="POST"), [])
        self.assertNotEqual(self.findings({"id": "1"}, path="/b"), [])
        self.assertEqual(
            self.findings("", status=405, headers={"Allow": "GET, HEAD"}, method="POST"), []
        )

    def test_refuses_a_keyword_it_does_not_know(self):
        with self.assertRaises(ValueError):
            small_contract({"type": "object", "minProperties": 1}).check_value({}, {"not": {}})

    def test_finds_the_template_of_a_path(self):
        contract = small_contract({})
        self.assertEqual(contract.template_of("/a/x%2Fy?z=1"), "/a/{b}")
        self.assertIsNone(contract.template_of("/a/x/y"))


class TheContract(unittest.TestCase):
    contract = None

    def test_is_sound(self):
        self.assertEqual(self.contract.faults(), [])

    def test_asks_for_a_key_unless_it_says_otherwise(self):
        open_paths = {
            path for _, path, operation in self.contract.operations() if operation.get("security") == []
        }
        self.assertEqual(
            open_paths,
            {
                "/membergate/v1/openapi.yaml",
                "/membergate/livez",
                "/membergate/readyz",
                "/membergate/metrics",
            },
        )


class TheAnswers(unittest.TestCase):
    contract = None
    answers = []

    def test_are_as_the_contract_says(self):
        for answer in self.answers:
            template = self.contract.template_of(answer["path"])
            self.assertIsNotNone(template, answer["path"])
            findings = self.contract.check_answer(
                answer["method"], template, answer["status"], answer["headers"], answer["body"]
            )
            self.assertEqual(findings, [])

    def test_cover_what_the_contract_promises(self):
        seen = {
            (answer["method"], self.contract.template_of(answer["path"]), str(answer["status"]))
            for answer in self.answers
        }
        promised = {
            (method, template, status)
            for method, template, operation in self.contract.operations()
            for status in operation["responses"]
            if status not in UNSEEN_STATUS
        }
        self.assertEqual(sorted(promised - seen - UNSEEN), [])


def main():
    TheContract.contract = TheAnswers.contract = Contract.load(sys.argv[1])
    cases = [TheValidator, TheContract]
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as file:
            TheAnswers.answers = [json.loads(line) for line in file]
        cases.append(TheAnswers)
        print(f"{len(TheAnswers.answers)} answers")
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
