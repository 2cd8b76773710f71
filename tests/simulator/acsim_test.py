"""What acsim promises, asked over HTTP: acsim_test.py PATH_TO_ACSIM [unittest arguments]"""

import datetime
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

ACSIM = ""
ENDING = []  # simulators that were asked to end, which takes each a quarter of a second


def tearDownModule():
    codes = [sim.process.wait(10) for sim in ENDING]
    for sim in ENDING:
        sim.owned.cleanup()
    if any(codes):
        raise AssertionError(f"acsim ended with {codes}")


class Sim:
    """One acsim process and a kept connection to it."""

    def __init__(self, *options, directory=None):
        self.owned = None if directory else tempfile.TemporaryDirectory(prefix="acsim-")
        self.dir = directory or self.owned.name
        port_file = os.path.join(self.dir, "port")
        if os.path.exists(port_file):
            os.remove(port_file)
        self.process = subprocess.Popen(
            [ACSIM, "--port", "0", "--dir", self.dir, "--port-file", port_file, *options],
            stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(port_file) or self.process.poll() is not None)
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.headers = {}

    def call(self, method, path, body=None, token="sim-token"):
        headers = {"Api-Token": token} if token else {}
        data = None if body is None else json.dumps(body)
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        self.headers = dict(answer.getheaders())
        text = answer.read().decode()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def api(self, method, path, body=None):
        return self.call(method, "/api/3/" + path, body)

    def ok(self, method, path, body=None, status=200):
        got, answer = self.api(method, path, body)
        if got != status:
            raise AssertionError(f"{method} {path}: {got} {answer}")
        return answer

    def sim(self, method, path, body=None):
        status, answer = self.call(method, "/_sim/" + path, body, token=None)
        if status != 200:
            raise AssertionError(f"{method} /_sim/{path}: {status} {answer}")
        return answer

    def add(self, **contact):
        return self.sim("POST", "contacts", [contact])["ids"][0]

    def state(self, contact):
        return self.sim("GET", f"state?id={contact}")["contacts"][0]

    def end(self, how=signal.SIGTERM):
        self.ask_to_end(how)
        code = self.process.wait(10)
        if self.owned:
            self.owned.cleanup()
        return code

    def ask_to_end(self, how=signal.SIGTERM):
        self.connection.close()
        self.process.send_signal(how)


class Target:
    """Receives webhooks and remembers their bodies."""

    def __init__(self, status=200):
        self.bodies = []
        self.status = status
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                target.bodies.append(urllib.parse.parse_qs(body, keep_blank_values=True))
                self.send_response(target.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?code=1"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def quote(text):
    return urllib.parse.quote(text, safe="")


class WithSim(unittest.TestCase):
    options = ("--rate", "0")

    def setUp(self):
        self.sim = Sim(*self.options)
        ENDING.append(self.sim)
        self.addCleanup(self.sim.ask_to_end)


class Contacts(WithSim):
    def test_a_fresh_account_has_the_seeds(self):
        state = self.sim.sim("GET", "state")
        self.assertEqual(state["contacts"], [])
        self.assertEqual([t["name"] for t in state["tags"]], ["Member", "Gold", "Banned"])
        self.assertEqual([a["status"] for a in state["automations"]], ["1"] * 9 + ["2"])
        self.assertEqual(state["lists"], [{"id": "1", "name": "Members"}])
        self.assertEqual(state["fields"], [])

    def test_a_contact_is_found_by_e_mail_without_case_and_not_found_is_an_empty_list(self):
        self.sim.add(email="Ann+x@example.com", first_name="Zoë")
        answer = self.sim.ok("GET", "contacts?email=" + quote("ann+X@example.com"))
        self.assertEqual(answer["contacts"][0]["id"], "1")
        self.assertEqual(answer["contacts"][0]["firstName"], "Zoë")
        self.assertEqual(answer["meta"]["total"], "1")
        self.assertNotIn("contactTags", answer)
        empty = self.sim.ok("GET", "contacts?email=nobody@example.com")
        self.assertEqual((empty["contacts"], empty["meta"]["total"]), ([], "0"))

    def test_include_side_loads_until_it_is_switched_off(self):
        contact = self.sim.add(email="a@example.com", fields={"PASSWORD": "p"}, tags=["Gold"],
                               lists=["1"])
        path = "contacts?ids[]=1&include=contactTags,contactTags.tag,fieldValues,contactLists"
        answer = self.sim.ok("GET", path)
        self.assertEqual(answer["contactTags"][0]["tag"], "2")
        self.assertEqual(answer["tags"][0]["tag"], "Gold")
        self.assertEqual(answer["fieldValues"][0]["value"], "p")
        self.assertEqual(answer["contactLists"][0]["status"], "1")
        self.assertEqual(answer["contacts"][0]["contactTags"], [answer["contactTags"][0]["id"]])
        single = self.sim.ok("GET", f"contacts/{contact}")
        self.assertNotIn("contactTags", single)
        self.assertEqual(single["contact"]["fieldValues"], ["1"])
        self.assertIn("contactTags", self.sim.ok("GET", f"contacts/{contact}?include=contactTags"))
        self.sim.sim("POST", "faults", {"no_include": True})
        self.assertNotIn("contactTags", self.sim.ok("GET", path))
        self.sim.sim("POST", "faults", {"no_include": False})
        self.assertIn("contactTags", self.sim.ok("GET", path))

    def test_create_sync_and_put_answer_as_recorded(self):
        body = {"contact": {"email": "a@example.com", "firstName": "A"}}
        created = self.sim.ok("POST", "contacts", body, 201)["contact"]
        self.assertEqual((created["orgid"], created["organization"]), ("", ""))
        self.assertNotIn("updated_timestamp", created)
        status, answer = self.sim.api("POST", "contacts", body)
        self.assertEqual((status, answer["errors"][0]["code"]), (422, "duplicate"))
        self.assertEqual(self.sim.api("POST", "contacts", {"contact": {"email": "x"}})[0], 400)
        full = self.sim.ok("POST", "contact/sync", body)["contact"]
        self.assertEqual(full["orgid"], "0")
        self.sim.ok("POST", "contact/sync", {"contact": {"email": "b@example.com"}}, 201)
        status, answer = self.sim.api("PUT", "contacts/1", {"contact": {"email": "B@example.com"}})
        self.assertEqual(status, 422)
        self.sim.ok("PUT", "contacts/1", {"contact": {"email": "c@example.com"}})
        self.assertEqual(self.sim.ok("GET", "contacts?email=a@example.com")["contacts"], [])
        self.assertEqual(self.sim.ok("GET", "contacts/1")["contact"]["firstName"], "A")

    def test_put_writes_a_field_and_shows_a_stale_updated_timestamp(self):
        contact = self.sim.add(email="a@example.com", fields={"PASSWORD": "", "PLAN": "x"},
                               udate="2024-01-05T10:00:00-06:00")
        body = {"contact": {"fieldValues": [{"field": "1", "value": "secret"}]}}
        answer = self.sim.ok("PUT", f"contacts/{contact}", body)
        self.assertEqual([v["value"] for v in answer["fieldValues"]], ["secret"])
        self.assertEqual(answer["contact"]["updated_timestamp"], "2024-01-05 10:00:00")
        self.assertNotIn("2024", answer["contact"]["udate"])
        again = self.sim.ok("GET", f"contacts/{contact}")
        self.assertEqual([v["value"] for v in again["fieldValues"]], ["secret", "x"])
        self.assertNotIn("2024", again["contact"]["updated_timestamp"])

    def test_delete_and_unknown_ids(self):
        contact = self.sim.add(email="a@example.com")
        self.assertEqual(self.sim.ok("DELETE", f"contacts/{contact}"), {})
        self.assertEqual(self.sim.api("DELETE", "contacts/1"),
                         (404, {"message": "No result found for contact with id 1"}))
        self.assertEqual(self.sim.api("GET", "contacts/1"),
                         (404, {"message": "No Result found for Subscriber with id 1"}))
        self.assertEqual(self.sim.add(email="a@example.com"), "2")

    def test_pages_are_20_at_most_100_and_go_by_id(self):
        self.sim.sim("POST", "contacts", [{"email": f"u{i}@example.com"} for i in range(130)])
        self.assertEqual(len(self.sim.ok("GET", "contacts")["contacts"]), 20)
        self.assertEqual(len(self.sim.ok("GET", "contacts?limit=1000")["contacts"]), 100)
        page = self.sim.ok("GET", "contacts?orders[id]=ASC&id_greater=100&limit=100")
        self.assertEqual([int(c["id"]) for c in page["contacts"]], list(range(101, 131)))
        self.assertEqual(page["meta"]["total"], "30")
        ids = "&".join(f"ids%5B%5D={i}" for i in range(1, 31))
        self.assertEqual(len(self.sim.ok("GET", "contacts?" + ids)["contacts"]), 20)
        self.assertEqual(len(self.sim.ok("GET", "contacts?limit=100&" + ids)["contacts"]), 30)
        down = self.sim.ok("GET", "contacts?orders[id]=DESC&limit=1")
        self.assertEqual(down["contacts"][0]["id"], "130")

    def test_updated_after_filters_and_unknown_filters_do_nothing(self):
        self.sim.add(email="old@example.com", udate="2024-01-01")
        self.sim.add(email="new@example.com")
        for since in ("2024-06-01", "2024-06-01T00:00:00Z", "2024-06-01T00:00:00%2B02:00"):
            found = self.sim.ok("GET", f"contacts?filters[updated_after]={since}")["contacts"]
            self.assertEqual([c["email"] for c in found], ["new@example.com"], since)
        for ignored in ("filters[updated_since]=2099-01-01", "filters[updated_after]=whenever"):
            self.assertEqual(len(self.sim.ok("GET", "contacts?" + ignored)["contacts"]), 2)


    def test_filters_are_ignored_on_demand(self):
        for number in range(1, 4):
            self.sim.add(email=f"u{number}@example.com", udate="2024-01-01")

        def found(query):
            return [c["id"] for c in self.sim.ok("GET", "contacts?" + query)["contacts"]]

        for switch, query, known in (("ignore_id_greater", "id_greater=2", ["3"]),
                                     ("ignore_updated_after",
                                      "filters[updated_after]=2024-06-01", []),
                                     ("ignore_ids", "ids[]=2", ["2"])):
            self.assertEqual(found(query), known)
            self.sim.sim("POST", "faults", {switch: True})
            self.assertEqual(found(query), ["1", "2", "3"], switch)
            self.sim.sim("POST", "faults", {switch: False})
            self.assertEqual(found(query), known)

    def test_one_page_comes_empty_or_half_on_demand(self):
        for number in range(1, 9):
            self.sim.add(email=f"u{number}@example.com")

        def page(after):
            answer = self.sim.ok("GET", f"contacts?limit=4&id_greater={after}&include=contactLists")
            return [c["id"] for c in answer["contacts"]], answer["meta"]["total"]

        first, second = ["1", "2", "3", "4"], ["5", "6", "7", "8"]
        self.sim.sim("POST", "faults", {"empty_page": 2})
        self.assertEqual([page(0), page(4), page(4)], [(first, "8"), ([], "4"), (second, "4")])
        self.sim.sim("POST", "faults", {"empty_page": 1, "empty_page_total": False})
        self.assertEqual([page(4), page(4)], [([], "0"), (second, "4")])
        self.sim.sim("POST", "faults", {"short_page": 2})
        self.assertEqual(self.sim.ok("GET", "contacts/1")["contact"]["id"], "1")
        self.assertEqual([page(0), page(4), page(4)],
                         [(first, "8"), (["5", "6"], "4"), (second, "4")])
        self.sim.sim("POST", "faults", {"short_page": 1, "empty_page": 1})
        self.sim.sim("DELETE", "faults")
        self.assertEqual(page(0), (first, "8"))

    def test_ids_are_numbers_on_demand(self):
        self.sim.add(email="a@example.com", fields={"PLAN": "x"}, tags=["Gold"])
        self.sim.sim("POST", "faults", {"numeric_ids": True})
        answer = self.sim.ok("GET", "contacts?include=contactTags.tag,fieldValues")
        contact = answer["contacts"][0]
        self.assertEqual((contact["id"], contact["contactTags"], contact["fieldValues"]),
                         (1, [1], [1]))
        self.assertEqual(answer["contactTags"][0]["tag"], 2)
        self.assertEqual(answer["fieldValues"][0]["field"], 1)
        self.assertEqual(answer["meta"]["total"], "1")
        self.assertEqual(self.sim.state("1")["id"], "1")
        self.sim.sim("DELETE", "faults")
        self.assertEqual(self.sim.ok("GET", "contacts/1")["contact"]["id"], "1")


class Stamps(WithSim):
    def test_udate_is_central_time_and_the_utc_key_lies(self):
        contact = self.sim.add(email="a@example.com", cdate="2021-03-14T07:59:59Z",
                               udate="2021-03-14T08:00:00Z")
        row = self.sim.ok("GET", f"contacts/{contact}")["contact"]
        self.assertEqual(row["cdate"], "2021-03-14T01:59:59-06:00")
        self.assertEqual(row["udate"], "2021-03-14T03:00:00-05:00")
        self.assertEqual(row["updated_utc_timestamp"], "2021-03-14 03:00:00")
        self.assertEqual(row["updated_timestamp"], "2021-03-14 03:00:00")

    def test_tag_adds_and_field_values_move_udate_and_tag_removals_do_not(self):
        contact = self.sim.add(email="a@example.com", fields={"PLAN": "x"})

        def moved(act):
            self.sim.sim("POST", f"contacts/{contact}/touch", {"udate": "2024-01-01"})
            act()
            return not self.sim.state(contact)["udate"].startswith("2024")

        link = []
        body = {"contactTag": {"contact": contact, "tag": "2"}}
        self.assertTrue(moved(lambda: link.append(self.sim.ok("POST", "contactTags", body, 201))))
        path = "contactTags/" + link[0]["contactTag"]["id"]
        self.assertFalse(moved(lambda: self.sim.ok("DELETE", path)))
        value = {"fieldValue": {"contact": contact, "field": "1", "value": "y"}}
        self.assertTrue(moved(lambda: self.sim.ok("POST", "fieldValues", value, 201)))
        entry = {"contactAutomation": {"contact": contact, "automation": "1"}}
        self.assertFalse(moved(lambda: self.sim.ok("POST", "contactAutomations", entry, 201)))
        stamp = datetime.datetime.fromisoformat(
            self.sim.ok("GET", f"contacts/{contact}")["contact"]["cdate"])
        age = datetime.datetime.now(datetime.timezone.utc) - stamp
        self.assertLess(abs(age.total_seconds()), 60)


class Resources(WithSim):
    def test_tags(self):
        for i in range(25):
            self.sim.ok("POST", "tags", {"tag": {"tag": f"T{i}", "tagType": "contact"}}, 201)
        self.assertEqual(len(self.sim.ok("GET", "tags")["tags"]), 20)
        self.assertEqual(len(self.sim.ok("GET", "tags?limit=100")["tags"]), 28)
        self.assertEqual(self.sim.ok("GET", "tags?search=gol")["tags"][0]["id"], "2")
        self.assertEqual(self.sim.api("POST", "tags", {"tag": {"tag": "Gold"}})[0], 422)

    def test_contact_tags(self):
        contact = self.sim.add(email="a@example.com")
        body = {"contactTag": {"contact": int(contact), "tag": "2"}}
        first = self.sim.ok("POST", "contactTags", body, 201)
        self.assertEqual(first["contacts"][0]["id"], contact)
        self.assertEqual(first["contactTag"]["contact"], int(contact))
        self.assertEqual(self.sim.ok("POST", "contactTags", body)["contactTag"]["id"],
                         first["contactTag"]["id"])
        rows = self.sim.ok("GET", f"contacts/{contact}/contactTags")
        self.assertEqual((rows["contactTags"][0]["tag"], rows.keys()), ("2", {"contactTags"}))
        self.assertEqual(self.sim.ok("GET", "contactTags")["meta"]["total"], "1")
        path = "contactTags/" + first["contactTag"]["id"]
        self.assertEqual(self.sim.ok("DELETE", path), {})
        self.assertEqual(self.sim.api("DELETE", path)[0], 404)
        missing = {"contactTag": {"contact": "99", "tag": "2"}}
        status, answer = self.sim.api("POST", "contactTags", missing)
        self.assertEqual((status, answer["errors"][0]["detail"]), (404, "Contact not found"))
        self.assertEqual(self.sim.api("POST", "contactTags", {"contactTag": {"tag": "2"}})[0], 422)
        self.assertEqual(self.sim.api("POST", "contactTags", {"contactTag": {"contact": 1}})[0], 400)

    def test_fields_and_values(self):
        contact = self.sim.add(email="a@example.com")
        body = {"field": {"type": "text", "title": "Password", "perstag": "password", "visible": 1}}
        field = self.sim.ok("POST", "fields", body, 201)["field"]
        self.assertEqual((field["perstag"], field["relations"]), ("PASSWORD", []))
        status, answer = self.sim.api("POST", "fields", body)
        self.assertEqual((status, answer["errors"][0]["title"]),
                         (422, "There is already a field with this title"))
        relation = self.sim.ok("POST", "fieldRels",
                               {"fieldRel": {"field": field["id"], "relid": 0}}, 201)["fieldRel"]
        self.assertEqual((relation["relid"], relation["links"]), (0, []))
        self.assertEqual(self.sim.ok("GET", "fields?limit=100")["fields"][0]["relations"], ["1"])
        value = {"fieldValue": {"contact": contact, "field": field["id"], "value": "x"}}
        made = self.sim.ok("POST", "fieldValues", value, 201)
        value["fieldValue"]["value"] = "y"
        self.assertEqual(self.sim.ok("POST", "fieldValues", value, 201)["fieldValue"]["id"],
                         made["fieldValue"]["id"])
        self.sim.ok("PUT", "fieldValues/1", {"fieldValue": {"value": "z"}})
        rows = self.sim.ok("GET", f"contacts/{contact}/fieldValues")["fieldValues"]
        self.assertEqual([(r["value"], r["owner"]) for r in rows], [("z", contact)])
        found = self.sim.ok("GET", "fieldValues?filters[fieldid]=1&filters[val]=z")
        self.assertEqual(found["meta"]["total"], "1")
        unknown = {"contact": {"fieldValues": [{"field": "77", "value": "x"}]}}
        self.assertEqual(self.sim.api("PUT", "contacts/1", unknown)[0], 400)

    def test_automations_enter_as_often_as_asked_and_not_when_inactive(self):
        contact = self.sim.add(email="a@example.com")
        body = {"contactAutomation": {"contact": contact, "automation": "3"}}
        first = self.sim.ok("POST", "contactAutomations", body, 201)["contactAutomation"]
        self.sim.ok("POST", "contactAutomations", body, 201)
        self.assertEqual((first["seriesid"], first["automation"]), ("3", "3"))
        self.assertEqual(self.sim.state(contact)["automations"], ["3", "3"])
        refusal = (403, {"message": "Could not create SubscriberSeries"})
        for automation in ("10", "99"):
            body["contactAutomation"]["automation"] = automation
            self.assertEqual(self.sim.api("POST", "contactAutomations", body), refusal)
        rows = self.sim.ok("GET", f"contacts/{contact}/contactAutomations")["contactAutomations"]
        self.assertEqual(len(rows), 2)
        self.assertIn("adddate", rows[0])
        self.assertEqual(self.sim.ok("DELETE", "contactAutomations/1"), {})
        self.assertEqual(self.sim.api("DELETE", "contactAutomations/1"),
                         (403, {"message": "No Result found for SubscriberSeries with id 1"}))
        self.assertEqual(self.sim.ok("GET", "automations")["automations"][9]["status"], "2")

    def test_lists(self):
        contact = self.sim.add(email="a@example.com")
        self.assertEqual(self.sim.ok("GET", "lists")["lists"][0]["name"], "Members")
        body = {"contactList": {"list": 1, "contact": contact, "status": 1}}
        made = self.sim.ok("POST", "contactLists", body, 201)["contactList"]
        self.assertEqual((made["status"], made["list"]), (1, 1))
        rows = self.sim.ok("GET", f"contacts/{contact}/contactLists")["contactLists"]
        self.assertEqual(rows[0]["status"], "1")
        body["contactList"]["list"] = 9
        status, answer = self.sim.api("POST", "contactLists", body)
        self.assertEqual((status, answer["errors"][0]["error"]), (400, "list_not_exist"))

    def test_the_key_check_and_a_wrong_key(self):
        self.assertEqual(self.sim.ok("GET", "users/me")["user"]["localZoneid"], "Europe/Berlin")
        forbidden = (403, {"message": "Forbidden"})
        self.assertEqual(self.sim.call("GET", "/api/3/users/me", token="wrong"), forbidden)
        self.assertEqual(self.sim.call("GET", "/api/3/users/me", token=None), forbidden)

    def test_an_import_is_applied_later_and_says_it_is_html(self):
        self.sim.add(email="known@example.com", fields={"PLAN": ""})
        rows = [{"email": "known@example.com", "fields": [{"id": 1, "value": "gold"}]},
                {"email": "new@example.com", "tags": ["Gold"], "subscribe": [{"listid": 1}]},
                {"email": "bad"}]
        queued = self.sim.ok("POST", "import/bulk_import", {"contacts": rows})
        self.assertTrue(self.sim.headers["Content-Type"].startswith("text/html"))
        self.assertEqual((queued["success"], queued["queued_contacts"]), (1, 3))
        self.assertEqual(self.sim.state("1")["fields"], {"PLAN": ""})
        self.assertEqual(self.sim.ok("GET", "import/bulk_import")["outstanding"][0]["contacts"], "3")
        info = "import/info?batchId=" + queued["batchId"]
        wait_for(lambda: self.sim.ok("GET", info)["status"] == "completed")
        self.assertEqual(self.sim.ok("GET", info)["success"], ["1", "2"])
        self.assertEqual(self.sim.ok("GET", info)["failure"], ["bad"])
        self.assertEqual(self.sim.ok("GET", "import/bulk_import")["outstanding"], [])
        self.assertEqual(self.sim.state("1")["fields"], {"PLAN": "gold"})
        self.assertEqual(self.sim.state("2")["tags"], [{"id": "2", "name": "Gold"}])
        too_many = {"contacts": [{"email": f"u{i}@example.com"} for i in range(251)]}
        self.assertEqual(self.sim.api("POST", "import/bulk_import", too_many)[1]["success"], 0)


    def test_imports_get_stuck_fail_or_forget_the_fields_on_demand(self):
        self.sim.add(email="a@example.com", fields={"PLAN": ""})
        self.sim.add(email="b@example.com")
        rows = [{"email": email, "fields": [{"id": 1, "value": "gold"}], "tags": ["Gold"]}
                for email in ("a@example.com", "b@example.com")]

        def queue(**switches):
            self.sim.sim("POST", "faults", {"import_delay_ms": 0, **switches})
            return "import/info?batchId=" + self.sim.ok(
                "POST", "import/bulk_import", {"contacts": rows})["batchId"]

        info = queue(import_fail=["B@example.com"], import_stuck=True)
        self.assertEqual(self.sim.ok("GET", info)["status"], "active")
        self.assertEqual(self.sim.ok("GET", "import/bulk_import")["outstanding"][0]["batches"], "1")
        self.assertEqual(self.sim.state("1")["tags"], [])
        self.sim.sim("POST", "faults", {"import_stuck": False})
        done = self.sim.ok("GET", info)
        self.assertEqual((done["success"], done["failure"]), (["1"], ["b@example.com"]))
        self.assertEqual(self.sim.state("1")["fields"], {"PLAN": "gold"})
        self.assertEqual(self.sim.state("2")["tags"], [])
        info = queue(import_fail=[], import_partial_fields=True)
        self.assertEqual(self.sim.ok("GET", info)["success"], ["1", "2"])
        self.assertEqual(self.sim.state("2")["fields"], {})
        self.assertEqual([t["name"] for t in self.sim.state("2")["tags"]], ["Gold"])
        self.sim.sim("DELETE", "faults")
        self.assertEqual(self.sim.state("1")["fields"], {"PLAN": "gold"})


class Limit(WithSim):
    options = ("--rate", "5", "--retry-after", "7")

    def test_the_sixth_request_within_a_second_is_refused(self):
        seen = []
        for _ in range(6):
            status, _ = self.sim.api("GET", "users/me")
            seen.append((status, self.sim.headers["RateLimit-Remaining"]))
        self.assertEqual(seen, [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0"),
                                (429, "0")])
        self.assertEqual(self.sim.headers["Retry-After"], "7")
        self.assertEqual(self.sim.headers["RateLimit-Limit"], "5")
        self.sim.sim("GET", "state")
        log = self.sim.sim("GET", "log?after=4")
        self.assertEqual([(e["n"], e["status"], e["remaining"]) for e in log],
                         [(5, 200, 0), (6, 429, 0)])
        self.assertEqual((log[0]["method"], log[0]["path"]), ("GET", "/api/3/users/me"))
        time.sleep(1.01)
        self.assertEqual(self.sim.api("GET", "users/me")[0], 200)

    def test_other_clients_of_the_account_use_up_their_share(self):
        self.sim.sim("POST", "faults", {"foreign_rate": 3})
        time.sleep(1.05)
        seen = []
        for _ in range(3):
            status, _ = self.sim.api("GET", "users/me")
            seen.append((status, self.sim.headers["RateLimit-Remaining"]))
        self.assertEqual(seen, [(200, "1"), (200, "0"), (429, "0")])
        self.assertEqual(len(self.sim.sim("GET", "log")), 3)
        self.sim.sim("DELETE", "faults")
        time.sleep(1.05)
        self.assertEqual(self.sim.api("GET", "users/me")[0], 200)
        self.assertEqual(self.sim.headers["RateLimit-Remaining"], "4")

    def test_it_may_say_503_with_a_page_instead(self):
        self.sim.sim("POST", "faults", {"limit_status": 503, "limit_body": "html"})
        answers = [self.sim.api("GET", "users/me") for _ in range(6)]
        self.assertEqual(answers[5][0], 503)
        self.assertIn("<html>", answers[5][1])


class Faults(WithSim):
    def test_a_fault_strikes_as_often_as_told_and_only_where_it_matches(self):
        self.sim.sim("POST", "faults", {"match": "GET /api/3/users", "status": 500, "times": 2,
                                        "retry_after": 3})
        self.assertEqual(self.sim.api("GET", "tags")[0], 200)
        self.assertEqual(self.sim.api("GET", "users/me")[0], 500)
        self.assertEqual(self.sim.headers["Retry-After"], "3")
        self.assertEqual(self.sim.api("GET", "users/me")[0], 500)
        self.assertEqual(self.sim.api("GET", "users/me")[0], 200)

    def test_a_faulty_write_has_no_effect_unless_only_its_answer_is_lost(self):
        body = {"contact": {"email": "a@example.com"}}
        self.sim.sim("POST", "faults", {"match": "* /api/3/contacts", "status": 502, "times": 1})
        self.assertEqual(self.sim.api("POST", "contacts", body)[0], 502)
        self.assertEqual(self.sim.sim("GET", "state")["contacts"], [])
        self.sim.sim("POST", "faults", {"match": "* /api/3/contacts", "reset": True, "after": True,
                                        "times": 1})
        with self.assertRaises((ConnectionResetError, http.client.RemoteDisconnected)):
            self.sim.api("POST", "contacts", body)
        self.sim.connection.close()
        self.assertEqual(len(self.sim.sim("GET", "state")["contacts"]), 1)
        self.assertEqual(self.sim.sim("GET", "log")[-1]["status"], 0)

    def test_reset_truncate_delay_and_a_body(self):
        def fault(**keys):
            self.sim.sim("POST", "faults", {"match": "* /api/3/", "times": 1, **keys})

        fault(reset=True)
        with self.assertRaises(ConnectionResetError):
            self.sim.api("GET", "users/me")
        self.sim.connection.close()
        fault(truncate=True)
        with self.assertRaises(http.client.IncompleteRead):
            self.sim.api("GET", "users/me")
        self.sim.connection.close()
        fault(delay_ms=300)
        start = time.monotonic()
        self.assertEqual(self.sim.api("GET", "users/me")[0], 200)
        self.assertGreaterEqual(time.monotonic() - start, 0.3)
        fault(status=200, body="")
        self.assertEqual(self.sim.api("GET", "users/me"), (200, ""))
        self.sim.sim("POST", "faults", {"match": "* /", "status": 503})
        self.assertEqual(self.sim.api("GET", "users/me")[0], 503)
        self.sim.sim("DELETE", "faults")
        self.assertEqual(self.sim.api("GET", "users/me")[0], 200)

    def test_some_faults_are_cleared_and_others_stay(self):
        self.sim.sim("POST", "faults", {"match": "* /api/3/users", "status": 500})
        self.sim.sim("POST", "faults", {"match": "GET /api/3/tags", "status": 502,
                                        "flicker_403": 2})
        self.sim.sim("DELETE", "faults?match=*+/api/3/users")
        self.assertEqual([self.sim.api("GET", path)[0] for path in ("users/me", "tags", "lists")],
                         [200, 502, 403])

    def test_a_good_key_may_be_forbidden_now_and_then(self):
        self.sim.sim("POST", "faults", {"flicker_403": 3})
        self.assertEqual([self.sim.api("GET", "tags")[0] for _ in range(6)],
                         [200, 200, 403, 200, 200, 403])


class Control(WithSim):
    def test_history_tells_the_order_of_password_tag_and_automation(self):
        contact = self.sim.add(email="a@example.com", fields={"PASSWORD": ""})
        value = {"contact": {"fieldValues": [{"field": "1", "value": "secret"}]}}
        self.sim.ok("PUT", f"contacts/{contact}", value)
        self.sim.ok("POST", "contactTags", {"contactTag": {"contact": contact, "tag": "1"}}, 201)
        entry = {"contactAutomation": {"contact": contact, "automation": "2"}}
        self.sim.ok("POST", "contactAutomations", entry, 201)
        state = self.sim.state(contact)
        rows = [(h["field"], h["value"]) for h in state["history"] if h["by"] == "api"]
        self.assertEqual(rows, [("PASSWORD", "secret"), ("tag:1", "add"), ("automation:2", "enter")])
        times = [h["t"] for h in state["history"]]
        self.assertEqual(times, sorted(times))
        self.assertEqual(state["tags"], [{"id": "1", "name": "Member"}])

    def test_touch_changes_fields_and_tags(self):
        contact = self.sim.add(email="a@example.com", tags=["Gold"])
        self.sim.sim("POST", f"contacts/{contact}/touch",
                     {"fields": {"plan": "y"}, "tags_add": ["New"], "tags_remove": ["Gold"]})
        state = self.sim.state(contact)
        self.assertEqual(state["fields"], {"PLAN": "y"})
        self.assertEqual([t["name"] for t in state["tags"]], ["New"])

    def test_many_contacts_are_made_at_once_and_told_in_short(self):
        self.sim.add(email="first@example.com")
        start = time.monotonic()
        made = self.sim.sim("POST", "bulk", {"count": 20000, "prefix": "m", "tags": ["Gold"],
                                             "fields": {"PLAN": "x"}, "udate": "2024-01-01",
                                             "cdate": "2023-01-01"})
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(made, {"first": 2, "last": 20001})
        digest = self.sim.sim("GET", "digest")
        self.assertEqual(len(digest), 20001)
        self.assertEqual(digest[:2], [["1", "first@example.com", "", {}, []],
                                      ["2", "m-00001@example.com", "m 1", {"PLAN": "x"}, ["2"]]])
        rows = self.sim.sim("GET", "digest?after=19999&limit=1")
        self.assertEqual([row[:2] for row in rows], [["20000", "m-19999@example.com"]])
        self.assertTrue(self.sim.state("20001")["udate"].startswith("2024-01-01T00:00:00"))
        again = self.sim.call("POST", "/_sim/bulk", {"count": 1, "prefix": "m"}, token=None)
        self.assertEqual(again[0], 400)
        self.assertEqual(len(self.sim.sim("GET", "digest")), 20001)

    def test_merge_and_delete_make_an_id_unknown(self):
        first = self.sim.add(email="a@example.com", tags=["Gold"], fields={"PLAN": "x"})
        second = self.sim.add(email="b@example.com")
        third = self.sim.add(email="c@example.com")
        self.sim.sim("POST", f"contacts/{first}/merge", {"into": second})
        self.sim.sim("POST", f"contacts/{third}/delete", {})
        self.assertEqual(self.sim.api("GET", f"contacts/{first}")[0], 404)
        self.assertEqual(self.sim.api("GET", f"contacts/{third}")[0], 404)
        self.assertEqual(self.sim.state(second)["fields"], {"PLAN": "x"})

    def test_flood_sends_every_contact_in_both_dialects(self):
        target = Target()
        self.addCleanup(target.end)
        self.sim.sim("POST", "contacts", [
            {"email": f"u+{i}@example.com", "phone": "+1", "fields": {"PASSWORD": "p&w", "B": "ü"},
             "tags": ["Member", "Gold"] if i else []} for i in range(10)])
        answer = self.sim.sim("POST", "flood", {"contacts": 10, "rate": 0, "url": target.url,
                                                "dialect": "automation", "times": 3})
        self.assertEqual((answer["sent"], answer["answers"]), (30, {"200": 30}))
        body = [b for b in target.bodies if b["contact[id]"] == ["2"]][0]
        self.assertEqual(body["contact[email]"], ["u+1@example.com"])
        self.assertEqual(body["contact[fields][password]"], ["p&w"])
        self.assertEqual(body["contact[fields][b]"], ["ü"])
        self.assertEqual(body["contact[tags]"], ["Member, Gold"])
        self.assertEqual((body["contact[phone]"], body["seriesid"]), (["+1"], ["1"]))
        self.assertNotIn("type", body)
        self.assertNotIn("contact[tags]",
                         [b for b in target.bodies if b["contact[id]"] == ["1"]][0])
        target.bodies.clear()
        target.status = 429
        answer = self.sim.sim("POST", "flood", {"contacts": ["3"], "rate": 50, "url": target.url,
                                                "dialect": "event"})
        self.assertEqual(answer["answers"], {"429": 1})
        body = target.bodies[0]
        self.assertEqual((body["type"], body["list"], body["contact[fields][1]"]),
                         (["update"], ["0"], ["p&w"]))
        self.assertIn("contact[ip]", body)
        self.assertNotIn("seriesid", body)

    def test_flood_keeps_its_rate_and_counts_what_nobody_answers(self):
        target = Target()
        self.sim.sim("POST", "contacts", [{"email": f"u{i}@example.com"} for i in range(10)])
        start = time.monotonic()
        self.sim.sim("POST", "flood", {"contacts": 10, "rate": 20, "url": target.url,
                                       "dialect": "event"})
        self.assertGreaterEqual(time.monotonic() - start, 0.44)
        target.end()
        answer = self.sim.sim("POST", "flood", {"contacts": 2, "rate": 0, "url": target.url,
                                                "dialect": "event"})
        self.assertEqual(answer["answers"], {"error": 2})


class Webhooks(WithSim):
    def hook(self, target, **keys):
        body = {"name": "m", "url": target.url, "events": ["subscribe", "update",
                "contact_tag_added", "contact_tag_removed"],
                "sources": ["public", "admin", "api", "system"], **keys}
        return self.sim.ok("POST", "webhooks", {"webhook": body}, 201)["webhook"]

    def settled(self, sent):
        report = {}

        def done():
            report.update(self.sim.sim("GET", "hooks"))
            return report["sent"] >= sent and not report["queued"] and not report["in_flight"]

        wait_for(done)
        return report

    def test_hooks_are_kept_like_any_resource(self):
        target = Target()
        self.addCleanup(target.end)
        hook = self.hook(target)
        self.assertEqual((hook["listid"], hook["links"]), ("0", []))
        self.hook(target)
        self.assertEqual(self.sim.ok("GET", "webhooks")["meta"]["total"], "2")
        changed = self.sim.ok("PUT", "webhooks/1", {"webhook": {"events": ["update"]}})["webhook"]
        self.assertEqual((changed["events"], changed["url"]), (["update"], target.url))
        self.assertEqual(self.sim.ok("DELETE", "webhooks/1"), {})
        self.assertEqual(self.sim.api("GET", "webhooks/1")[0], 404)
        self.assertEqual(self.sim.ok("GET", "webhook/events")["meta"]["total"], 25)

    def test_changes_are_delivered_by_source_and_imports_are_not(self):
        target = Target()
        self.addCleanup(target.end)
        self.hook(target, sources=["admin"])
        contact = self.sim.add(email="a@example.com")
        self.sim.ok("PUT", f"contacts/{contact}", {"contact": {"firstName": "silent"}})
        self.sim.sim("POST", f"contacts/{contact}/touch", {"tags_add": ["silent"]})
        self.sim.sim("POST", f"contacts/{contact}/touch",
                     {"fields": {"PLAN": "x"}, "tags_add": ["Gold"], "hook": True})
        self.assertEqual(self.settled(2)["answers"], {"200": 2})
        kinds = sorted(b["type"][0] for b in target.bodies)
        self.assertEqual(kinds, ["contact_tag_added", "update"])
        added = [b for b in target.bodies if b["type"] == ["contact_tag_added"]][0]
        self.assertEqual((added["tag"], added["contact[tags]"]), (["Gold"], ["silent, Gold"]))
        self.assertEqual(added["initiated_by"], ["admin"])
        batch = {"contacts": [{"email": "a@example.com", "first_name": "I"}]}
        self.sim.sim("POST", "faults", {"import_delay_ms": 0})
        self.sim.ok("POST", "import/bulk_import", batch)
        self.assertEqual(self.sim.state(contact)["first_name"], "I")
        self.assertEqual(self.settled(2)["sent"], 2)

    def test_deliveries_are_dropped_or_doubled_on_demand_and_410_ends_them(self):
        target = Target()
        self.addCleanup(target.end)
        self.hook(target)
        contact = self.sim.add(email="a@example.com")

        def write():
            self.sim.ok("PUT", f"contacts/{contact}", {"contact": {"firstName": "x"}})

        self.sim.sim("POST", "hooks", {"duplicate": 1, "reorder": True})
        write()
        self.assertEqual(self.settled(2)["sent"], 2)
        self.sim.sim("POST", "hooks", {"duplicate": 0, "drop": 1.0})
        write()
        self.assertEqual(self.sim.sim("GET", "hooks")["dropped"], 1)
        self.sim.sim("POST", "hooks", {"drop": 0, "reorder": False})
        target.status = 410
        write()
        self.assertEqual(self.settled(3)["answers"], {"200": 2, "410": 1})
        write()
        self.assertEqual(self.settled(3)["sent"], 3)
        self.assertFalse(self.sim.sim("GET", "state")["webhooks"][0]["active"])
        self.assertNotIn("active", self.sim.ok("GET", "webhooks/1")["webhook"])


class Process(unittest.TestCase):
    def test_the_state_file_survives_an_end_and_a_kill(self):
        with tempfile.TemporaryDirectory(prefix="acsim-") as directory:
            options = ("--rate", "0", "--state", os.path.join(directory, "state"))
            sim = Sim(*options, directory=directory)
            contact = sim.add(email="a@example.com", fields={"PASSWORD": "ü/\"x"}, tags=["New"],
                              lists=["1"])
            entry = {"contactAutomation": {"contact": contact, "automation": "2"}}
            sim.ok("POST", "contactAutomations", entry, 201)
            before = sim.sim("GET", "state")
            self.assertEqual(sim.end(), 0)
            sim = Sim(*options, directory=directory)
            self.assertEqual(sim.sim("GET", "state"), before)
            self.assertEqual(sim.ok("GET", "contacts?email=A@example.com")["meta"]["total"], "1")
            second = sim.add(email="b@example.com")
            time.sleep(0.5)
            sim.end(signal.SIGKILL)
            sim = Sim(*options, directory=directory)
            self.assertEqual(sim.state(second)["email"], "b@example.com")
            self.assertEqual(sim.add(email="c@example.com"), "3")
            sim.end()

    def test_many_slow_requests_are_served_at_once_and_an_end_cuts_them_short(self):
        sim = Sim("--rate", "0")
        sim.sim("POST", "faults", {"match": "* /", "delay_ms": 60000})
        waiting = [socket.create_connection(("127.0.0.1", sim.port)) for _ in range(64)]
        for each in waiting:
            each.sendall(b"GET /api/3/users/me HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn("contacts", sim.sim("GET", "state"))
        start = time.monotonic()
        self.assertEqual(sim.end(), 0)
        self.assertLess(time.monotonic() - start, 5)
        for each in waiting:
            each.close()

    def test_the_log_file_has_a_line_for_each_request_and_no_token(self):
        with tempfile.TemporaryDirectory(prefix="acsim-") as directory:
            sim = Sim("--rate", "0", "--token", "another-token", directory=directory)
            self.assertEqual(sim.api("GET", "users/me")[0], 403)
            self.assertEqual(sim.call("GET", "/api/3/users/me", token="another-token")[0], 200)
            sim.sim("GET", "state")
            sim.end()
            with open(os.path.join(directory, "acsim.log"), encoding="utf-8") as file:
                lines = file.read().splitlines()
            self.assertEqual([line.split()[4] for line in lines], ["403", "200", "200"])
            self.assertNotIn("another-token", "".join(lines))

    def test_wrong_arguments_are_refused(self):
        for arguments in (["--port", "x", "--dir", "/tmp"], ["--nonsense", "1"], []):
            done = subprocess.run([ACSIM, *arguments], stderr=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    ACSIM = sys.argv.pop(1)
    unittest.main()
