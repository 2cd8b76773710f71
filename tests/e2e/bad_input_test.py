"""Calls that are wrong, broken or hostile: refused as documented, nothing stored, nobody harmed."""

import json
import socket
import urllib.parse

import fastcgi_client
from harness import FORM, StackTest, automation_body, main, wait_for
from http_client import all_at_once

KIB = 1024


class BadInput(StackTest):
    def setUp(self):
        self.before = self.stack.counts()

    def tearDown(self):
        self.stack.wait_until_idle()
        # Still the same process, and it works.
        self.assertEqual(self.stack.pid(), self.first_pid)
        answer = self.stack.http.request("GET", "/membergate/readyz")
        self.assertEqual(answer.status, 200, str(answer))

    def assertNothingStored(self):
        self.assertEqual(self.stack.counts(), self.before)

    @classmethod
    def prepare(cls):
        (i,) = cls.stack.acsim.add({"email": "ann@example.org", "first_name": "Ann"})
        cls.ann = {"id": i, "email": "ann@example.org", "first_name": "Ann"}
        cls.body = automation_body(cls.ann)
        cls.stack.wait_until_idle()
        cls.hooks = [cls.stack.genpass_target(), f"/membergate/hooks/events?code={cls.stack.code}"]


class WrongWebhooks(BadInput):
    def test_a_wrong_missing_or_doubled_code_is_403(self):
        code = self.stack.code
        events = "/membergate/hooks/events"
        for target in (
            "/?mbr_genpass=wrong",
            "/?mbr_genpass=",
            f"/?mbr_genpass={code}x",
            f"/?mbr_genpass={code[:-1]}",
            f"/?mbr_genpass={code.swapcase()}",
            f"/?mbr_genpass={code}&mbr_genpass={code}",
            f"/?mbr_genpass={code}&mbr_genpass=wrong",
            f"/?mbr_genpass=wrong&mbr_genpass={code}",
            f"/?mbr_genpass=%00{code}",
            f"/?mbr_genpass={code}%",
            events,
            f"{events}?code=",
            f"{events}?code=wrong",
            f"{events}?code={code}&code={code}",
            f"{events}?mbr_genpass={code}",
        ):
            answer = self.stack.post_form(target, self.body)
            self.assertProblem(answer, 403, "code")
            self.assertNotIn(code.encode(), answer.body)
        self.assertNothingStored()

    def test_a_code_is_good_only_for_what_it_was_made_for(self):
        made = self.stack.command("code", "create", "--name", "only-events", "--for", "events")
        code = made.stdout.strip()
        target = f"/membergate/hooks/events?code={code}"
        wait_for(lambda: self.stack.post_form(target, "").status == 400, "the code is not taken")
        self.assertProblem(self.stack.genpass(self.ann, code=code), 403, "code")
        self.assertNothingStored()

    def test_another_method_is_405_and_told_which_is_right(self):
        for target in self.hooks + ["/?mbr_genpass=wrong", "/membergate/hooks/events"]:
            for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
                answer = self.stack.http.request(method, target)
                self.assertProblem(answer, 405, "method_not_allowed")
                self.assertEqual(answer.headers["Allow"], "POST")
        self.assertNothingStored()

    def test_what_is_no_form_is_415(self):
        kinds = ("application/json", "text/plain", "multipart/form-data; boundary=x", "", "x")
        for target in self.hooks:
            for kind in kinds:
                answer = self.stack.http.request("POST", target, self.body, {"Content-Type": kind})
                self.assertProblem(answer, 415, "unsupported_media_type")
        self.assertNothingStored()

    def test_more_than_256_kib_is_413_and_256_kib_is_not(self):
        for target in self.hooks:
            answer = self.stack.post_form(target, b"x=" + b"a" * (256 * KIB - 1))
            self.assertEqual(answer.status, 413, str(answer))
        self.assertNothingStored()
        filler = 256 * KIB - len(self.body) - len("&x=")
        answer = self.stack.post_form(self.hooks[1], self.body + "&x=" + "a" * filler)
        self.assertEqual(answer.status, 200, str(answer))

    def test_the_daemon_itself_refuses_what_nginx_lets_through(self):
        answer = fastcgi_client.post(
            self.stack.env["MEMBERGATE_SOCKET"], self.hooks[0], b"x=" + b"a" * (300 * KIB)
        )
        self.assertEqual(answer[0], 413)
        self.assertNothingStored()

    def test_a_body_that_is_not_as_long_as_claimed_is_400(self):
        body = self.body.encode()
        for claimed in (len(body) + 1, len(body) - 1, 10 * len(body), "", "-1", "x", "1e3", 2**64):
            answer = fastcgi_client.post(
                self.stack.env["MEMBERGATE_SOCKET"], self.hooks[0], body, claimed=str(claimed)
            )
            self.assertEqual(answer[0], 400, f"{claimed}: {answer}")
            self.assertEqual(json.loads(answer[1])["code"], "invalid_request")
        self.assertNothingStored()

    def test_a_sender_who_hangs_up_in_the_middle_leaves_nothing(self):
        head = f"POST {self.hooks[0]} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
        half = self.body.encode()[: len(self.body) // 2]
        broken = f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + half
        chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(self.body):x}\r\n".encode() + half
        for data in (broken, chunked):
            self.stack.http.raw(data, close_early=True)
        # A request after them on new connections shows that they were seen.
        for _ in range(3):
            self.assertEqual(self.stack.http.request("GET", "/membergate/livez").status, 200)
        self.assertNothingStored()

    def test_two_lengths_or_both_framings_are_refused(self):
        head = f"POST {self.hooks[0]} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
        end = f"\r\n\r\n{self.body}".encode()
        for framing in (
            f"Content-Length: {len(self.body)}\r\nContent-Length: 3",
            f"Content-Length: {len(self.body)}\r\nTransfer-Encoding: chunked",
            "Content-Length: -1",
            "Content-Length: 1a",
        ):
            answer = self.stack.http.raw(head.encode() + framing.encode() + end)
            self.assertIn(b" 400 ", answer.split(b"\r\n")[0])
        self.assertNothingStored()

    def test_bodies_that_are_no_proper_form_are_400(self):
        for body in (
            b"contact[id]=%",
            b"contact[id]=1%2",
            b"contact[id]=1&x=%zz",
            b"contact[id]=1&x=%00",
            b"contact[id]=1&x=\0",
            b"contact[id]=1&first_name=\xff\xfe",
            b"contact[id]=1&x=%c3%28",
            b"contact[id]=1&x=%ed%a0%80",
            b"contact[id]=1&x=%c0%af",
            b"contact[id]=1&%f5=x",
            b"contact[id]=1&" + b"k" * 2000 + b"=x",
            b"contact[id]=1&a" + b"[b]" * 20 + b"=x",
            b"&".join(b"k%d=v" % n for n in range(100_000))[: 250 * KIB],
            b"&".join([b"same=v"] * 35_000),
        ):
            for target in self.hooks:
                answer = self.stack.post_form(target, body)
                self.assertProblem(answer, 400, "invalid_request")
        self.assertNothingStored()

    def test_bodies_that_name_no_contact_are_400(self):
        for body in ("", "x=1", "contact=1", "contact[first_name]=Ann", "&&&", "contact[email]="):
            for target in self.hooks:
                self.assertProblem(self.stack.post_form(target, body), 400, "contact_missing")
        for body in (
            "contact[id]=x",
            "contact[id]=-1",
            "contact[id]=0",
            "contact[id]=",
            "contact[id]=1.5",
            "contact[id]=99999999999999999999",
            "contact[email]=no-address",
        ):
            for target in self.hooks:
                self.assertProblem(self.stack.post_form(target, body), 400, "invalid_request")
        self.assertNothingStored()

    def test_lists_of_ids_that_are_none_are_400(self):
        for query in (
            "tid=x",
            "tid=1,x",
            "tid=-1",
            "tid=%",
            "automation=1;2",
            "tid=1&automation=all",
            "default_pass=",
            "default_pass=" + "p" * 65,
            "default_pass=a%00b",
        ):
            answer = self.stack.genpass(self.ann, query)
            self.assertProblem(answer, 400, "invalid_request")
        self.assertNothingStored()

    def test_events_about_other_things_are_ignored_with_200(self):
        answer = self.stack.post_form(self.hooks[1], "type=deal_update&deal[id]=7")
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json(), {"status": "ignored", "contact": None, "password": "none"})

    def test_nothing_is_ever_answered_with_410_or_a_redirect(self):
        targets = [
            "/?mbr_genpass=x", "/index.php?mbr_genpass=x", "/membergate/hooks/events/",
            "/membergate/hooks/", "/membergate/hooks/other?code=x", "//?mbr_genpass=x",
            "/membergate/hooks/events/../events?code=x",
            "/membergate/hooks/%65vents?code=x", "/?MBR_GENPASS=x", "/?a&mbr_genpass=x",
        ]
        for target in targets:
            status = self.stack.post_form(target, self.body).status
            self.assertIn(status, set(range(400, 500)) - {410}, target)
        self.assertNothingStored()

    def test_hundreds_of_idle_half_requests_do_not_keep_others_out(self):
        idle = []
        try:
            for _ in range(300):
                connection = socket.create_connection(("127.0.0.1", self.stack.http.port), 10)
                connection.sendall(f"POST {self.hooks[0]} HTTP/1.1\r\nHost: x\r\n".encode())
                idle.append(connection)
            answers = all_at_once([lambda: self.stack.event(self.ann) for _ in range(20)], 4)
            self.assertEqual({answer.status for answer in answers}, {200})
            self.assertLess(max(answer.seconds for answer in answers), 2)
        finally:
            for connection in idle:
                connection.close()

    def test_what_looks_like_code_is_kept_as_the_text_it_is(self):
        strange = [
            "'; DROP TABLE contact; --", '"}],"x":[{"', "<script>alert(1)</script>", "=1+1",
            "a\r\nSet-Cookie: x=1", "\u202egnirts", "😀", "%s%n%x", "${jndi:ldap://x}", "\\u0000",
        ]
        for number, text in enumerate(strange):
            one = {"id": "5000", "email": "strange@example.org", "first_name": text}
            answer = self.stack.event(one)
            self.assertEqual(answer.status, 200, f"{text!r}: {answer}")
            read = self.stack.get_contact("5000", "refresh=never")
            if read.status == 200:  # else ActiveCampaign was asked already and knows none
                self.assertEqual(read.json()["first_name"], text)
            self.assertNotIn("Set-Cookie", read.headers)

    def test_nothing_of_a_request_survives_into_the_next_on_the_same_connection(self):
        first = {"id": "6001", "email": "first@example.org", "first_name": "First"}
        self.assertEqual(self.stack.event(first).status, 200)
        answer = self.stack.post_form(self.hooks[1], "contact[first_name]=Second")
        self.assertProblem(answer, 400, "contact_missing")
        answer = self.stack.post_form(self.hooks[1], "type=update&contact[id]=6002")
        self.assertEqual(answer.json()["contact"], "6002")
        rows = self.stack.query(
            "SELECT contact_id, email FROM delivery WHERE contact_id > 6000 ORDER BY id"
        )
        self.assertEqual(rows, [(6001, ""), (6002, "")])


class WrongApiCalls(BadInput):
    """Beside what route_input_test.py tries on every route."""

    def test_tricks_with_paths_lead_nowhere(self):
        raw = self.stack.http.raw
        auth = f"Authorization: Bearer {self.stack.key}\r\n"
        for target in (
            "/membergate/v1/contacts/..%2f..%2fmembergate.conf",
            "/membergate/v1/contacts/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/membergate/../../etc/passwd",
            "/membergate/v1/../../membergate.db",
            "/membergate/v1/contacts/",
            "/membergate/v1/contacts/1/",
            "/membergate/v1/contacts/1/tags/1",
            "/membergate/v1/contacts/%00",
            "/membergate/v1/contacts/%ff",
            "/membergate/v1/contacts/%",
            "/membergate/v1//contacts/1",
            "/membergate/v1/contacts/1%0d%0aX-Evil:%201",
            "/MEMBERGATE/V1/contacts/1",
            "/membergate/v1/contacts/" + "9" * 4000,
            "/.membergate/authz",
            "/membergate.conf",
            "/master.key",
        ):
            request = f"GET {target} HTTP/1.1\r\nHost: x\r\n{auth}Connection: close\r\n\r\n"
            answer = raw(request.encode("latin1"))
            status = int(answer.split()[1])
            self.assertIn(status, (400, 401, 403, 404, 405), f"{target}: {answer[:300]}")
            self.assertNotIn(b"X-Evil:", answer.partition(b"\r\n\r\n")[0])
            self.assertNotIn(b"root:", answer)
        self.assertNothingStored()

    def test_a_request_id_from_outside_is_not_believed(self):
        names = ("X-Request-Id", "MEMBERGATE_REQUEST_ID", "Membergate-Request-Id")
        headers = {name: "chosen" for name in names}
        answer = self.stack.api("GET", "/contacts/abc", headers=headers)
        problem = self.assertProblem(answer, 400, "invalid_request")
        self.assertNotEqual(problem["request_id"], "chosen")

    def test_prefer_takes_what_it_can_and_ignores_the_rest(self):
        (i,) = self.stack.acsim.add({"email": "prefer@example.org"})
        for prefer in ("wait=x", "wait=-1", "wait=", "wait", "respond-async", "wait=" + "9" * 20,
                       ";=,"):
            headers = {"Prefer": prefer}
            answer = self.stack.api("POST", f"/contacts/{i}/tags", {"add": ["1"]}, headers=headers)
            self.assertEqual(answer.status, 200, f"{prefer}: {answer}")


if __name__ == "__main__":
    main()
