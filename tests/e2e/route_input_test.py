"""Wrong and hostile input on every REST route: refused as documented, and nothing comes of it.

What is tried on a route follows from the contract; see routes.py. bad_input_test.py has what is
about one route alone.
"""

import contextlib
import itertools
import json

import routes
from harness import FORM, StackTest, main
from openapi_contract import METHODS

KIB = 1024
MARK = "@@"

WRONG_TYPES = ("text/plain", FORM, "multipart/form-data; boundary=x", "application/jsonx", "", "x",
               "application/json; charset=latin1", "application/json; charset=utf-16")

NO_OBJECTS = (
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"true", b"{'a':1}", b'{"a":1,}', b"{} {}", b"NaN",
    b'{"a":Infinity}', b"\xff\xfe", b"\xef\xbb\xbf{}", b"\x00", b"{}\x00", b"[" * 30_000,
    b'{"a":' * 10_000, b'{"a":' + b"[" * 20_000, b"a=b", b"<a/>", b"\x1f\x8b\x08\x00",
)

# Of these, those that a member's schema does not allow are tried on it.
VALUES = (
    "Gold", 7, 0, -1, 1.5, 1e300, True, ["Gold"], {"x": "y"}, [], {}, "x" * 257, "x" * 1025,
    [["Gold"]], [None], [True], [1.5], [{}], [""], [0], [-1], ["x" * 257], ["Gold"] * 51,
    [2**53], [10**18],
    {"x": 1}, {"x": None}, {"x": True}, {"x": ["y"]}, {"x": {}},
)

# What no text may hold, as it stands within the quotes of a JSON string.
BROKEN_TEXTS = (
    b"\xff", b"a\xc3(", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", rb"\ud800",
    rb"\udc00\ud800", b"a\nb", b"\0", rb"\x41", rb"\u00", rb"\u0000", rb"a\u001b[31m", rb"\u007f",
)
LINE_ENDS = (rb"x\r\nX-Evil: 1", rb"x\u000d\u000aX-Evil: 1", rb"\n")

# What documents say beside the schemas.
TOO_LONG = {
    "email": "e" * 250 + "@example.org", "first_name": "x" * (32 * KIB + 1),
    "last_name": "x" * (32 * KIB + 1), "phone": "x" * (32 * KIB + 1),
}


class RouteTest(StackTest):
    rate = "200/s"
    config = {"webhooks.public_url": "http://127.0.0.1:1"}  # for links

    @classmethod
    def prepare(cls):
        acsim = cls.stack.acsim
        fields = {"PASSWORD": "a password", "CITY": "Kiel"}
        (cls.contact,) = acsim.add({"email": "jane@example.org", "fields": fields, "tags": ["Gold"]})
        cls.stack.get_contact(cls.contact, "refresh=live")
        cls.token = cls.stack.login("jane@example.org", "a password").json()["session"]
        tags = {"add": ["Member"]}
        answer = cls.stack.api("POST", f"/contacts/{cls.contact}/tags", tags)
        cls.job = answer.json()["job"]
        cls.keys = {scope: cls.stack.new_key(scope.replace(":", "-"), scope) for scope in routes.SCOPES}
        cls.stack.wait_until_current()

    def path(self, call):
        return call.path(contact=self.contact, id=self.job)

    def send(self, call, body=None, path=None, key=None, **headers):
        """The call's own request, with what is given in place of what is right. A `body` is bytes,
        or a value to be sent as JSON."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Authorization", f"Bearer {key or self.stack.key}")
        if call.route.session:
            headers.setdefault("Membergate-Session", self.token)
        if body is None and call.route.bodies:
            body = call.route.bodies[0]
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body)
        return self.stack.http.request(call.method, path or self.path(call), body, headers)

    def raw(self, method, path, body=b"", *headers):
        """(status, head) of a request that http.client would not send."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.stack.key}",
                 "Content-Type: application/json", f"Membergate-Session: {self.token}",
                 f"Content-Length: {len(body)}", "Connection: close", *headers]
        data = "\r\n".join(lines).encode("latin1") + b"\r\n\r\n" + body
        head = self.stack.http.raw(data).partition(b"\r\n\r\n")[0]
        return int(head.split()[1]), head

    def effects(self):
        """What a call may have changed here."""
        contacts = self.stack.query("SELECT id, email, doc, version, deleted_at FROM contact")
        credentials = self.stack.query("SELECT contact_id, hash FROM credential")
        sessions = self.stack.query("SELECT digest FROM session")
        kept = [self.stack.query(f"SELECT count(*) FROM {table}")
                for table in ("job", "tombstone", "idempotency", "audit", "link")]
        return contacts, credentials, sessions, kept

    @contextlib.contextmanager
    def no_effect(self):
        before, asked = self.effects(), self.stack.acsim.last_request()
        yield
        self.assertEqual(self.effects(), before)
        writes = [row for row in self.stack.acsim.log(asked) if row["method"] != "GET"]
        self.assertEqual(writes, [])

    def try_each(self, check, wanted=lambda call: True):
        """check(call) for the calls that are wanted; nothing may come of any."""
        found = [call for call in routes.calls() if wanted(call)]
        self.assertTrue(found)
        for call in found:
            with self.subTest(call.name), self.no_effect():
                check(call)


class TheTable(RouteTest):
    def test_every_route_and_all_it_takes_is_in_contract_and_table(self):
        self.assertEqual(routes.uncovered(), [])
        self.assertEqual(routes.not_described(), [])

    def test_the_good_calls_are_good(self):
        """Or what is refused below would be so for another reason."""
        last = {"logout": 1, "eraseContact": 2}  # or there is nothing left for the others
        for call in sorted(routes.calls(), key=lambda call: last.get(call.name, 0)):
            # A link in the field is no password: what follows wants one.
            bodies = sorted(call.route.bodies, key=lambda body: body.get("action") != "link")
            query = "&".join(f"{name}={value}" for name, value in call.route.query.items())
            path = self.path(call) + (f"?{query}" if query else "")
            for body in bodies or (None,):
                if call.name == "changePassword" and body["action"] == "set":
                    continue  # of a member's own change the session is made up
                with self.subTest(call.name, body=body):
                    if call.name in ("getSession", "logout"):  # a new password has ended it
                        password = self.stack.acsim.contact(self.contact)["fields"]["PASSWORD"]
                        login = self.stack.login("jane@example.org", password)
                        type(self).token = login.json()["session"]
                    answer = self.send(call, body, path, Prefer="wait=8")
                    self.assertIn(answer.status, (200, 201, 204), str(answer))


class WhoMayCall(RouteTest):
    def test_without_a_key_in_force_a_call_is_401(self):
        key = self.stack.key
        given = ("", "Bearer", "Bearer ", "Bearer wrong", f"Basic {key}", key, f"Bearer {key}x",
                 f"Bearer {key[:-1]}", f"Bearer {key} {key}", f"Bearer {key.swapcase()}",
                 f"Bearer\t{key}", "Bearer " + "x" * 4000)

        def check(call):
            for each in given:
                answer = self.send(call, Authorization=each)
                self.assertProblem(answer, 401, "key")
                self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"), each)
                self.assertNotIn(key.encode(), answer.body)

        self.try_each(check, lambda call: call.route.scope)

    def test_what_needs_no_key_takes_any(self):
        def check(call):
            self.assertEqual(self.send(call, Authorization="Bearer wrong").status, 200)

        self.try_each(check, lambda call: not call.route.scope)

    def test_a_key_for_other_calls_is_403(self):
        def check(call):
            for scope in set(routes.SCOPES) - {call.route.scope}:
                self.assertProblem(self.send(call, key=self.keys[scope]), 403, "scope")

        self.try_each(check, lambda call: call.route.scope)

    def test_a_key_for_this_call_alone_suffices(self):
        def check(call):
            # Refused for another reason, so that nothing comes of it.
            path = call.path(contact="abc", id=self.job)
            headers = {"Membergate_Session": "x"} if call.route.session else {}
            body = b"{" if call.route.bodies else None
            answer = self.send(call, body, path, self.keys[call.route.scope], **headers)
            self.assertNotIn(answer.status, (401, 403), str(answer))

        self.try_each(check, lambda call: call.route.scope)


class Methods(RouteTest):
    def test_another_method_is_405_and_told_which_are_right(self):
        def check(call):
            item = routes.CONTRACT.paths[call.template]
            right = {method.upper() for method in METHODS & item.keys()}
            right |= {"HEAD"} if "GET" in right else set()
            for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
                           "BREW"} - right:
                for key in (self.stack.key, "wrong"):
                    headers = {"Authorization": f"Bearer {key}", "Membergate-Session": self.token}
                    answer = self.stack.http.request(method, self.path(call), None, headers)
                    self.assertEqual(answer.status, 405, f"{method}: {answer}")
                    self.assertEqual(set(answer.headers["Allow"].split(", ")), right, method)
                    if method != "HEAD":
                        self.assertProblem(answer, 405, "method_not_allowed")

        self.try_each(check)

    def test_a_method_is_not_changed_by_a_header_or_the_query(self):
        def check(call):
            for method in ("DELETE", "POST", "PATCH"):
                names = ("X_HTTP_Method_Override", "X_HTTP_Method", "X_Method_Override")
                headers = {name: method for name in names}
                path = f"{self.path(call)}?_method={method}"
                self.assertEqual(self.send(call, path=path, **headers).status, 200)

        self.try_each(check, lambda call: call.method == "GET")


class Bodies(RouteTest):
    def try_each_body(self, check):
        self.try_each(check, lambda call: call.route.bodies)

    def test_what_is_no_json_is_415(self):
        def check(call):
            for kind in WRONG_TYPES:
                answer = self.send(call, Content_Type=kind)
                self.assertProblem(answer, 415, "unsupported_media_type")

        self.try_each_body(check)

    def test_what_is_no_json_object_is_400(self):
        def check(call):
            for body in NO_OBJECTS:
                answer = self.send(call, body)
                self.assertProblem(answer, 400, "invalid_request")

        self.try_each_body(check)

    def test_a_member_that_is_not_described_is_400(self):
        def check(call):
            for body in call.route.bodies:
                for name in ("unknown", "Email", "", "__proto__", "a\r\nX-Evil: 1", "é" * 99):
                    answer = self.send(call, {**body, name: "x"})
                    self.assertProblem(answer, 400, "unknown_field")
                    self.assertNotIn("X-Evil", answer.headers)

        self.try_each_body(check)

    def test_a_member_of_another_choice_is_400(self):
        def check(call):
            for first, second in itertools.permutations(call.route.bodies, 2):
                if set(second) <= set(first):
                    continue  # nothing of the other would be left
                self.assertProblem(self.send(call, {**second, **first}), 400, "unknown_field")

        self.try_each(check, lambda call: len(call.route.bodies) > 1)

    def test_a_member_of_the_wrong_kind_is_400(self):
        def check(call):
            tried = 0
            for body in call.route.bodies:
                for member in body:
                    schema = call.members()[member]
                    for value in VALUES:
                        if routes.CONTRACT.check_value(value, schema):
                            answer = self.send(call, {**body, member: value})
                            self.assertProblem(answer, 400, "invalid_request")
                            tried += 1
            self.assertGreater(tried, 10)

        self.try_each_body(check)

    def test_a_member_that_is_required_is_not_left_out(self):
        def check(call):
            self.assertProblem(self.send(call, {}), 400, "invalid_request")
            nulls = {name: None for name in call.route.bodies[0]}
            self.assertProblem(self.send(call, nulls), 400, "invalid_request")

        self.try_each_body(check)

    def test_values_beyond_their_bounds_are_400_and_bodies_413(self):
        def check(call):
            body = call.route.bodies[0]
            for member, text in TOO_LONG.items():
                if member in body:
                    answer = self.send(call, {**body, member: text})
                    status = 401 if call.name == "login" else 400  # there: just no member's
                    code = "invalid_credentials" if call.name == "login" else "invalid_request"
                    self.assertProblem(answer, status, code)
            if "fields" in body:
                many = {f"F{number}": "x" for number in range(101)}
                for fields in (many, {"CITY": "x" * (32 * KIB + 1)}, {"F" * 257: "x"}, {"": "x"}):
                    answer = self.send(call, {**body, "fields": fields})
                    self.assertProblem(answer, 400, "invalid_request")
            for filler in (64 * KIB, 200 * KIB, 2000 * KIB):
                answer = self.send(call, {**body, "unknown": "x" * filler})
                self.assertProblem(answer, 413, "too_large")

        self.try_each_body(check)

    def spots(self, body):
        """(member, the body with MARK in it) for every place of a body that holds a text."""
        for name, value in body.items():
            if isinstance(value, str):
                yield name, {**body, name: MARK}
            elif isinstance(value, list):
                yield f"{name}[]", {**body, name: [MARK]}
            elif isinstance(value, dict):
                yield f"{name}.value", {**body, name: {"CITY": MARK}}
                yield f"{name}.name", {**body, name: {MARK: "x"}}

    def test_broken_text_and_line_ends_are_400_wherever_they_stand(self):
        def check(call):
            for body in call.route.bodies:
                for spot, marked in self.spots(body):
                    # The value of a field may have lines.
                    texts = BROKEN_TEXTS + (() if spot == "fields.value" else LINE_ENDS)
                    for text in texts:
                        data = json.dumps(marked).encode().replace(MARK.encode(), text)
                        answer = self.send(call, data)
                        self.assertEqual(answer.status, 400, f"{spot} {text}: {answer}")
                        self.assertProblem(answer, 400, "invalid_request")
                        self.assertNotIn("X-Evil", answer.headers)

        self.try_each_body(check)


class Headers(RouteTest):
    def test_a_key_of_repetition_is_visible_ascii(self):
        def check(call):
            for key in ("", " ", "x" * 129, "a b", "a\tb", "é", "x" * 4000):
                answer = self.send(call, Idempotency_Key=key.encode())
                self.assertProblem(answer, 400, "invalid_request", "Idempotency-Key")

        self.try_each(check, lambda call: "Idempotency-Key" in call.parameters("header"))

    def test_a_token_that_is_none_is_404_and_none_at_all_400(self):
        def check(call):
            for token in ("x", self.token[:-1], self.token + "x", self.token.swapcase(), "é" * 20,
                          "x%0d%0aX-Evil:%201", "' OR 1=1 --", "../../etc/passwd", "x" * 4000):
                answer = self.send(call, Membergate_Session=token.encode())
                self.assertProblem(answer, 404, "not_found")
                self.assertNotIn("X-Evil", answer.headers)
            self.assertProblem(self.send(call, Membergate_Session=""), 400, "invalid_request")

        self.try_each(check, lambda call: call.route.session)

    def test_headers_that_are_broken_or_too_long_reach_nobody(self):
        def check(call):
            body = call.body()
            for header in ("X-Long: " + "x" * 40_000, "Transfer-Encoding: chunked",
                           f"Content-Length: {len(body) + 1}", "Content-Length: -1", "Host: y"):
                status, head = self.raw(call.method, self.path(call), body, header)
                self.assertEqual(status, 400, f"{header[:40]}: {head}")

        self.try_each(check)


class Paths(RouteTest):
    def tricks(self, path):
        """Ways to write a path that are not the path."""
        head, _, last = path.rpartition("/")
        return (
            f"/{path}", path.replace("/", "//"), f"{head}//{last}", f"{path}/", f"{path}//",
            f"{head}/./{last}", f"{head}/x/../{last}", f"{path}/../{last}", f"{path}/.",
            f"{head}/x/%2e%2e/{last}", f"{head}/%2E/{last}", f"/x/..{path}", f"/%2e%2e{path}",
            f"/membergate/hooks/..{path[len('/membergate'):]}", f"/membergate/hooks/%2e%2e/..{path}",
            f"{path}%00", f"{path}%00.html", f"{head}%00/{last}", f"{path}%2f", f"{head}%2f{last}",
            f"{path}%2f..%2f{last}", f"{path}%5c", f"{path}\\", f"{path};a=b", f"{path}%20",
            f"{path}%0a", f"{path}%0d%0aX-Evil:%201", f"{path}%", f"{path}%f", f"{path}%zz",
            f"{path}%ff", f"{path}%c0%af", f"{path}%ed%a0%80", f"{path}.", f"{path}.json",
            path.upper(), path.replace("membergate", "%6dembergate", 1), f"{path}/tags/1",
            path + "9" * 4000, path + "/x" * 2000, path + "x" * 20_000,
        )

    def test_tricks_with_the_path_lead_nowhere(self):
        def check(call):
            body = call.body()
            for path in self.tricks(self.path(call)):
                status, head = self.raw(call.method, path, body)
                # A path that is another route's, such as /contacts/7/tags of /contacts/7, has a
                # method of its own; 414 is nginx's.
                self.assertIn(status, (400, 404, 405, 414), f"{path[:200]}: {head}")
                if status in (404, 405) and path.startswith("/membergate/v1/"):
                    self.assertIn(b"application/problem+json", head, path[:200])
                self.assertNotIn(b"x-evil", head.lower())

        self.try_each(check)

    def test_a_segment_that_names_nothing_is_400_or_404(self):
        def check(call):
            for text in ("abc", "-1", "0", "01", "1.5", "1e3", "9" * 17, "9" * 200, "%20", "%2b1", "*",
                         "%40", "a%40b%40c", "x" * 300 + "%40example.org", "%3Cscript%3E", "..", "%2e",
                         "1%00", "%00", "%ff", "%c3%28", "1%0d%0aX-Evil:%201", "null", "undefined",
                         "1%20OR%201%3D1", "'%3B--"):
                path = call.path(contact=text, id=text)
                status, head = self.raw(call.method, path, call.body())
                wanted = (400, 404) if text in ("..", "%2e", "01") or call.name == "getJob" else (400,)
                self.assertIn(status, wanted, f"{path}: {head}")
                self.assertNotIn(b"x-evil", head.lower())

        self.try_each(check, lambda call: call.parameters("path"))

    def wrong_values(self, schema):
        if "enum" in schema:
            return ["x", "", schema["enum"][0].upper(), schema["enum"][0] + "%20", "%00", "%ff", "%"]
        if schema["type"] != "integer":
            return ["%00", "%ff", "%"]
        beyond = [str(schema["minimum"] - 1), str(2**63), str(2**64), "9" * 400]
        if "maximum" in schema:
            beyond.append(str(schema["maximum"] + 1))
        return beyond + ["x", "", "1.5", "1e3", "0x1", "%2b1", "%201", "1%20", "1;", "%00", "1%00",
                         "%ff", "%", "1%0d%0aX-Evil:%201"]

    def test_a_parameter_of_the_wrong_kind_is_400(self):
        def check(call):
            for name, parameter in call.parameters("query").items():
                for value in self.wrong_values(parameter["schema"]):
                    path = f"{self.path(call)}?{name}={value}"
                    answer = self.send(call, path=path)
                    self.assertEqual(answer.status, 400, f"{path}: {answer}")
                    self.assertProblem(answer, 400, "invalid_request")
                    self.assertNotIn("X-Evil", answer.headers)

        self.try_each(check, lambda call: call.route.query and call.route.scope)

    def test_a_query_that_is_not_asked_for_changes_nothing(self):
        def check(call):
            for query in ("x=1", "%00", "%ff=%ff", "%", "x=%0d%0aX-Evil:%201", "mbr_genpass=x",
                          f"mbr_clearuser={self.stack.code}", f"code={self.stack.code}", "x" * 6000):
                if call.route.query and ("%" in query or len(query) > 1000):
                    continue  # it cannot be read for what is asked for
                answer = self.send(call, path=f"{self.path(call)}?{query}")
                self.assertEqual(answer.status, 200, f"{query[:99]}: {answer}")
                self.assertNotIn("X-Evil", answer.headers)

        self.try_each(check, lambda call: call.method == "GET")


if __name__ == "__main__":
    main()
