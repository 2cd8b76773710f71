"""The REST API, as a site's own code uses it: contacts, tags, jobs, health."""

import itertools
import pathlib

from harness import ROOT, StackTest, main, percent, wait_for

NUMBERS = itertools.count(1)


class RestTest(StackTest):
    @classmethod
    def add(cls, **more):
        one = {"email": f"member{next(NUMBERS)}@example.org", "first_name": "Ann", **more}
        (i,) = cls.stack.acsim.add(one)
        return {**one, "id": i}

    @classmethod
    def known(cls, **more):
        """A contact that is in the cache, as ActiveCampaign has it."""
        one = cls.add(**more)
        answer = cls.stack.get_contact(one["id"], "refresh=live")
        if answer.status != 200:
            raise AssertionError(str(answer))
        cls.stack.wait_until_idle()  # a field that is new is learnt by a refresh
        return one

    def get(self, who, query="", **more):
        return self.stack.get_contact(who, query, **more)

    def change(self, who, wait=8, **body):
        headers = {} if wait is None else {"Prefer": f"wait={wait}"}
        return self.stack.api("POST", f"/contacts/{percent(who)}/tags", body, headers=headers)

    def tag_names(self, one):
        return [tag["name"] for tag in self.stack.acsim.contact(one["id"])["tags"]]

    def job(self, location):
        answer = self.stack.http.request(
            "GET", location, headers={"Authorization": f"Bearer {self.stack.key}"}
        )
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json()


class ReadingContacts(RestTest):
    @classmethod
    def prepare(cls):
        cls.ann = cls.known(
            email="ann+tag@example.org", last_name="O'Hara", tags=["Gold"], fields={"CITY": "Köln"}
        )

    def test_a_contact_is_read_by_id_and_by_percent_encoded_email_alike(self):
        by_id = self.get(self.ann["id"])
        self.assertEqual(by_id.status, 200, str(by_id))
        for who in ("ann+tag@example.org", "ANN+Tag@Example.ORG"):
            self.assertEqual(self.get(who).body, by_id.body)
        self.assertEqual(self.stack.api("GET", "/contacts/ann+tag@example.org").body, by_id.body)

    def test_a_contact_has_exactly_the_documented_members(self):
        body = self.get(self.ann["id"]).json()
        self.assertEqual(
            list(body),
            ["id", "email", "first_name", "last_name", "phone", "tags", "fields", "lists",
             "created_at", "updated_at", "as_of", "confirmed", "version"],
        )
        self.assertEqual(body["last_name"], "O'Hara")
        self.assertEqual(body["tags"], [{"id": "2", "name": "Gold"}])
        self.assertEqual(body["fields"]["CITY"], "Köln")
        self.assertIs(body["confirmed"], True)

    def test_the_password_is_not_among_the_fields(self):
        one = self.known(fields={"PASSWORD": "not to be shown", "CITY": "Bonn"})
        for query in ("refresh=live", "refresh=never"):
            answer = self.get(one["id"], query)
            self.assertEqual(answer.json()["fields"], {"CITY": "Bonn"})
            self.assertNotIn(b"not to be shown", answer.body)

    def test_an_etag_that_still_holds_is_answered_with_304_and_no_body(self):
        etag = self.get(self.ann["id"]).headers["ETag"]
        for given in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            answer = self.get(self.ann["id"], headers={"If-None-Match": given})
            self.assertEqual((answer.status, answer.body), (304, b""), given)
            self.assertEqual(answer.headers["ETag"], etag)
        self.assertEqual(self.get(self.ann["id"], headers={"If-None-Match": '"other"'}).status, 200)

    def test_a_change_changes_the_etag_and_the_version(self):
        one = self.known()
        before = self.get(one["id"])
        self.assertEqual(self.change(one["id"], add=["Gold"]).status, 200)
        after = self.get(one["id"], headers={"If-None-Match": before.headers["ETag"]})
        self.assertEqual(after.status, 200)
        self.assertGreater(after.json()["version"], before.json()["version"])

    def test_head_answers_like_get_without_the_body(self):
        get = self.get(self.ann["id"])
        head = self.stack.api("HEAD", f"/contacts/{self.ann['id']}")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("ETag", "Content-Type", "Cache-Control"):
            self.assertEqual(head.headers[name], get.headers[name])

    def test_refresh_never_asks_nobody_and_knows_only_the_cache(self):
        one = self.add()
        before = self.stack.acsim.last_request()
        self.assertProblem(self.get(one["id"], "refresh=never"), 404, "not_found")
        self.assertProblem(self.get(one["email"], "refresh=never"), 404, "not_found")
        self.assertEqual(self.stack.acsim.log(before), [])

    def test_refresh_auto_asks_for_who_is_not_known_and_then_no_more(self):
        for key in ("id", "email"):
            one = self.add()
            self.assertEqual(self.get(one[key]).status, 200)
            before = self.stack.acsim.last_request()
            self.assertEqual(self.get(one[key], "refresh=auto").status, 200)
            self.assertEqual(self.stack.acsim.log(before), [])

    def test_refresh_live_shows_what_changed_in_activecampaign(self):
        one = self.known()
        self.stack.acsim.touch(one["id"], first_name="Changed")
        self.assertEqual(self.get(one["id"], "refresh=never").json()["first_name"], "Ann")
        self.assertEqual(self.get(one["id"], "refresh=live").json()["first_name"], "Changed")
        self.assertEqual(self.get(one["email"], "refresh=never").json()["first_name"], "Changed")

    def test_404_says_that_activecampaign_has_no_such_contact(self):
        for who in ("999999", "stranger@example.org"):
            for refresh in ("auto", "live"):
                self.assertProblem(self.get(who, f"refresh={refresh}"), 404, "not_found")

    def test_a_deleted_contact_is_gone_once_activecampaign_was_asked(self):
        one = self.known()
        self.stack.acsim.delete(one["id"])
        self.assertEqual(self.get(one["id"], "refresh=never").status, 200)
        self.assertProblem(self.get(one["id"], "refresh=live"), 404, "not_found")
        self.assertProblem(self.get(one["id"], "refresh=never"), 404, "not_found")
        self.assertProblem(self.get(one["email"], "refresh=never"), 404, "not_found")

    def test_a_path_that_names_no_contact_and_an_unknown_refresh_are_400(self):
        for who in ("abc", "-1", "0", "1.5", "@", "a@b@c", "99999999999999999999"):
            self.assertProblem(self.get(who), 400, "invalid_request")
        self.assertProblem(self.get(self.ann["id"], "refresh=always"), 400, "invalid_request")

    def test_reading_needs_the_scope_for_it(self):
        key = self.stack.new_key("writer", "contacts:write,login")
        answer = self.get(self.ann["id"], key=key)
        self.assertProblem(answer, 403, "scope", "contacts:read")
        self.assertProblem(self.get(self.ann["id"], key="nonsense"), 401, "key")


class ChangingTags(RestTest):
    def test_tags_are_added_by_id_and_by_name_and_are_there_before_the_answer(self):
        one = self.known()
        answer = self.change(one["id"], add=["1", "Gold", 3])
        self.assertEqual(answer.status, 200, str(answer))
        body = answer.json()
        self.assertEqual((body["contact_id"], body["state"]), (one["id"], "done"))
        applied = {"kind": "tag", "action": "add", "result": "applied", "detail": ""}
        tags = (("1", "Member"), ("2", "Gold"), ("3", "Banned"))
        self.assertEqual(body["results"], [{**applied, "id": i, "name": n} for i, n in tags])
        self.assertEqual(self.tag_names(one), ["Member", "Gold", "Banned"])
        read = self.get(one["id"]).json()["tags"]
        self.assertEqual([tag["name"] for tag in read], ["Member", "Gold", "Banned"])
        self.assertEqual(self.job(f"/membergate/v1/jobs/{body['job']}")["state"], "done")

    def test_tags_are_removed_and_readers_see_it_at_once(self):
        one = self.known(tags=["Member", "Gold"])
        answer = self.change(one["email"], remove=["Gold"])
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json()["results"][0]["result"], "applied")
        self.assertEqual(self.tag_names(one), ["Member"])
        self.assertEqual(self.get(one["id"]).json()["tags"], [{"id": "1", "name": "Member"}])

    def test_removing_what_is_not_there_is_already_done(self):
        one = self.known()
        answer = self.change(one["id"], remove=["Gold"])
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(answer.json()["results"][0]["result"], "already")

    def test_removals_come_before_additions(self):
        one = self.known(tags=["Gold"])
        answer = self.change(one["id"], add=["Gold"], remove=["Gold"])
        self.assertEqual(answer.status, 200, str(answer))
        actions = [(row["action"], row["result"]) for row in answer.json()["results"]]
        self.assertEqual(actions, [("remove", "applied"), ("add", "applied")])
        self.assertEqual(self.tag_names(one), ["Gold"])

    def test_an_unknown_name_is_422_and_what_was_known_is_applied(self):
        one = self.known()
        answer = self.change(one["id"], add=["Gold", "No such tag"])
        self.assertProblem(answer, 422, "refused")
        results = {row["name"]: row["result"] for row in answer.json()["results"]}
        self.assertEqual(results, {"Gold": "applied", "No such tag": "unknown"})
        self.assertEqual(self.tag_names(one), ["Gold"])
        names = [tag["name"] for tag in self.stack.acsim.directory("tags")]
        self.assertNotIn("No such tag", names)

    def test_an_unknown_id_is_422(self):
        one = self.known()
        answer = self.change(one["id"], add=["987654"])
        self.assertProblem(answer, 422, "refused")
        self.assertIn(answer.json()["results"][0]["result"], ("unknown", "refused"))

    def test_create_missing_makes_the_tag(self):
        one = self.known()
        answer = self.change(one["id"], add=["Brand, new & <shiny>"], create_missing=True)
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.tag_names(one), ["Brand, new & <shiny>"])
        self.assertEqual(self.get(one["id"]).json()["tags"][0]["name"], "Brand, new & <shiny>")

    def test_a_tag_made_in_activecampaign_meanwhile_is_found_by_name(self):
        self.add(tags=["Fresh from the office"])
        one = self.known()
        answer = self.change(one["id"], add=["Fresh from the office"])
        self.assertEqual(answer.status, 200, str(answer))

    def test_a_contact_that_is_not_known_here_is_asked_for_first(self):
        one = self.add()
        self.assertEqual(self.change(one["email"], add=["Gold"]).status, 200)
        self.assertEqual(self.tag_names(one), ["Gold"])
        self.assertProblem(self.change("stranger@example.org", add=["Gold"]), 404, "not_found")

    def test_an_own_change_outlives_a_webhook_that_does_not_know_of_it_yet(self):
        one = self.known()
        self.assertEqual(self.change(one["id"], add=["Gold"]).status, 200)
        self.stack.acsim.fault("GET /api/3/contacts", delay_ms=1500, times=1)
        self.assertEqual(self.stack.event({**one, "tags": ["Member"]}).status, 200)
        names = [tag["name"] for tag in self.get(one["id"], "refresh=never").json()["tags"]]
        self.assertEqual(names, ["Member", "Gold"])
        self.stack.wait_until_idle()

    def test_wait_0_answers_202_at_once_and_the_job_is_done_later(self):
        one = self.known()
        answer = self.change(one["id"], wait=0, add=["Gold"])
        self.assertEqual(answer.status, 202, str(answer))
        self.assertEqual(answer.headers["Preference-Applied"], "wait=0")
        self.assertEqual(answer.json()["state"], "pending")
        location = answer.headers["Location"]
        self.assertEqual(location, f"/membergate/v1/jobs/{answer.json()['job']}")
        job = wait_for(lambda: self.done(location), "the job did not end")
        self.assertEqual(job["state"], "done")
        self.assertEqual(job["results"][0]["result"], "applied")
        self.assertEqual(self.tag_names(one), ["Gold"])
        self.assertEqual(self.get(one["id"]).json()["tags"], [{"id": "2", "name": "Gold"}])

    def done(self, location):
        job = self.job(location)
        return job if job["state"] not in ("waiting", "queued", "running") else None

    def test_a_slow_activecampaign_is_awaited_as_long_as_preferred(self):
        one = self.known()
        self.stack.acsim.fault("POST /api/3/contactTags", delay_ms=3000, times=1)
        answer = self.change(one["id"], wait=1, add=["Gold"])
        self.assertEqual(answer.status, 202, str(answer))
        self.assertGreaterEqual(answer.seconds, 0.9)
        self.assertLess(answer.seconds, 2.5)
        wait_for(lambda: self.done(answer.headers["Location"]), "the job did not end")

        self.stack.acsim.fault("POST /api/3/contactTags", delay_ms=1000, times=1)
        answer = self.change(one["id"], wait=8, add=["Member"])
        self.assertEqual(answer.status, 200, str(answer))
        self.assertGreaterEqual(answer.seconds, 0.9)

    def test_a_job_that_does_not_exist_is_404(self):
        for i in ("999999", "abc", "0"):
            self.assertProblem(self.stack.api("GET", f"/jobs/{i}"), 404, "not_found")

    def test_writing_needs_the_scope_for_it(self):
        one = self.known()
        key = self.stack.new_key("reader", "contacts:read")
        path = f"/contacts/{one['id']}/tags"
        answer = self.stack.api("POST", path, {"add": ["Gold"]}, key=key)
        self.assertProblem(answer, 403, "scope", "contacts:write")
        self.assertEqual(self.tag_names(one), [])


class WhileActiveCampaignIsDown(RestTest):
    @classmethod
    def prepare(cls):
        cls.ann = cls.known()
        cls.stranger = cls.add()
        cls.stack.acsim_down()

    def setUp(self):
        try:
            self.stack.acsim.last_request()
        except OSError:
            return
        self.stack.acsim_down()

    def test_who_is_known_is_read_from_the_cache(self):
        for query in ("", "refresh=auto", "refresh=never"):
            self.assertEqual(self.get(self.ann["id"], query).status, 200)

    def test_a_pull_that_fails_is_503_and_never_404(self):
        for who, query in ((self.ann["id"], "refresh=live"), (self.stranger["id"], ""),
                           (self.stranger["email"], ""), ("stranger@example.org", "refresh=live")):
            answer = self.get(who, query)
            self.assertProblem(answer, 503, "unavailable")
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.assertLess(answer.seconds, 8)

    def test_a_change_is_accepted_and_carried_out_later(self):
        answer = self.change(self.ann["id"], wait=1, add=["Gold"])
        self.assertEqual(answer.status, 202, str(answer))
        location = answer.headers["Location"]
        self.assertIn(self.job(location)["state"], ("queued", "running"))
        self.stack.acsim_up()
        wait_for(lambda: self.job(location)["state"] == "done", lambda: self.job(location), 60)
        self.assertEqual(self.tag_names(self.ann), ["Gold"])
        self.assertEqual(self.get(self.ann["id"]).json()["tags"], [{"id": "2", "name": "Gold"}])


class Service(RestTest):
    def http(self, method, path):
        return self.stack.http.request(method, "/membergate/" + path)

    def test_livez_and_readyz_say_that_all_is_well(self):
        self.assertEqual(self.http("GET", "livez").json(), {"status": "alive"})
        self.assertEqual(self.http("GET", "readyz").json(), {"status": "ready"})
        checks = self.http("GET", "readyz?verbose").json()["checks"]
        self.assertEqual({check["name"]: check["state"] for check in checks},
                         {"store": "ok", "activecampaign": "ok"})

    def test_metrics_count_what_happens(self):
        def taken():
            text = self.http("GET", "metrics").body.decode()
            rows = [row for row in text.splitlines() if row.startswith("membergate_deliveries_total")]
            return sum(float(row.rpartition(" ")[2]) for row in rows)

        before = taken()
        self.stack.event(self.add())
        self.assertEqual(taken(), before + 1)
        self.assertIn("text/plain", self.http("GET", "metrics").headers["Content-Type"])

    def test_the_contract_is_served_as_it_is_in_the_source(self):
        answer = self.http("GET", "v1/openapi.yaml")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/yaml")
        self.assertEqual(answer.body, pathlib.Path(ROOT / "src/api/openapi.yaml").read_bytes())

    def test_a_known_path_names_its_methods_and_an_unknown_one_is_404(self):
        for method, path, allow in (
            ("POST", "livez", "GET, HEAD"),
            ("PUT", "v1/contacts/1", "DELETE, GET, HEAD, PATCH"),
            ("DELETE", "v1/contacts", "POST"),
            ("GET", "v1/contacts/1/tags", "POST"),
            ("PUT", "v1/login", "POST"),
        ):
            answer = self.http(method, path)
            self.assertProblem(answer, 405, "method_not_allowed")
            self.assertEqual(answer.headers["Allow"], allow)
        self.assertProblem(self.http("GET", "v1/nothing"), 404, "not_found")


if __name__ == "__main__":
    main()
