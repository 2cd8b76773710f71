"""Debian's WordPress with the shipped plugin, a real browser, and the whole of Membergate.

Run by tests/wordpress/run. Screenshots go to build/wordpress/screenshots.
"""

import contextlib
import html
import http.client
import json
import re
import sys
import time
import urllib.parse
import urllib.request
from base64 import b64encode

from browser import Browser
from wordpress_site import ROOT, Site
from harness import StackTest, automation_body, event_body, free_port, main, wait_for

SHOTS = ROOT / "build/wordpress/screenshots"
WRONG = "The e-mail address or the password is wrong."
UNAVAILABLE = "Logging in is not possible at the moment."
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class WordPressTest(StackTest):
    config = {"rule.gold": "tag:Gold", "login.ban_tag": "Banned"}
    daemon_restarts = True
    constants = {}
    typed = set()  # passwords that were sent
    tokens = set()

    @classmethod
    def prepare(cls):
        # Each click looks the session up, so that no test has to wait for the next look.
        constants = {
            "MEMBERGATE_REFRESH": "0",
            "MEMBERGATE_ROLES": "['Gold' => 'contributor', 'Silver' => ['author']]",
            **cls.constants,
        }
        cls.site = Site(cls.stack, constants)
        cls.addClassCleanup(cls.site.stop)
        cls.site.start()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    @classmethod
    def tearDownClass(cls):
        # Last, when everything has been typed and logged.
        faults = cls.leaks() + cls.complaints()
        super().tearDownClass()
        if faults:
            raise AssertionError("\n".join(faults))

    @classmethod
    def leaks(cls):
        """Where passwords, keys, codes or tokens stand that must not."""
        secret = {*cls.typed, *cls.tokens, cls.stack.code, (cls.site.dir / "key").read_text().strip()}
        for row in cls.stack.acsim.contacts().values():
            secret |= {entry["value"] for entry in row["history"] if entry["field"] == "PASSWORD"}
        secret = {text for text in secret if len(text) >= 8}
        assert len(secret) >= 2  # the code and the key at least
        places = {path.name: path.read_text(errors="replace") for path in cls.site.dir.iterdir()
                  if path.is_file() and path.name != "key"}
        for table in ("usermeta", "options", "users"):
            places[table] = cls.site.sql(f"SELECT * FROM wordpress.wp_{table}")
        return [f"{name} holds {text}" for name, content in places.items() for text in secret
                if text in content]

    @classmethod
    def complaints(cls):
        """What PHP says of the plugin; of WordPress 6.1 it says much."""
        lines = (cls.site.dir / "php.errors").read_text().splitlines()
        return [line for line in lines if "mu-plugins/membergate.php" in line]

    def run(self, result=None):
        bad = len(result.failures) + len(result.errors) if result else 0
        result = super().run(result)
        if result and len(result.failures) + len(result.errors) > bad:
            print(self.site.tails(), file=sys.stderr)
        return result

    # --- people ----------------------------------------------------------------------------

    def member(self, name, password=None, **more):
        """A contact with a password, which mbr_genpass made or the contact had before."""
        first, _, last = name.partition(" ")
        one = {"email": name.lower().replace(" ", ".") + "@example.com", "first_name": first,
               "last_name": last, **more}
        if password:
            one["fields"] = {"PASSWORD": password}
        (one["id"],) = self.stack.acsim.add(one)
        self.webhook(f"/?mbr_genpass={self.stack.code}", one)
        one["password"] = self.stack.wait_for_passwords([one["id"]])[one["id"]]
        self.stack.wait_until_idle()
        return one

    def webhook(self, target, contact, **more):
        """ActiveCampaign's POST, at the site's own address."""
        body = automation_body(contact) if "genpass" in target else event_body(contact, **more)
        if not contact.get("tags"):
            body += "&contact%5Btags%5D="  # as ActiveCampaign says that there is none
        with self.request(target, body) as answer:
            self.assertEqual(answer.status, 200)

    def request(self, target, body=None, headers=None):
        data = body.encode() if body is not None else None
        headers = {**(headers or FORM), "Host": self.site.host}
        url = f"http://127.0.0.1:{self.site.port}{target}"
        request = urllib.request.Request(url, data, headers)
        return urllib.request.urlopen(request, timeout=30)

    def retag(self, one, *tags):
        """The contact has these tags now; a webhook says so."""
        held = set(one.get("tags", ()))
        self.stack.acsim.touch(one["id"], tags_add=list(set(tags) - held),
                               tags_remove=list(held - set(tags)))
        one["tags"] = list(tags)
        self.webhook(f"/membergate/hooks/events?code={self.stack.code}", one)

    def open_login(self, who):
        return who.goto(url=f"{self.site.url}/wp-login.php")

    def submit_login(self, who, name, password):
        self.typed.add(password)
        # A moment after the page has come WordPress's script empties a field and puts the cursor there.
        who.untilFocus(selector="#user_login, #user_pass")
        return who.submit(fields={"#user_login": name, "#user_pass": password}, button="#wp-submit")

    def log_in(self, who, name, password):
        self.open_login(who)
        return self.submit_login(who, name, password)

    def log_in_member(self, person, one):
        """Logs in and checks that it went well; returns the person with his browser."""
        who = self.browser.person(person)
        view = self.log_in(who, one["email"], one["password"])
        self.assertNotIn("wp-login", view["url"], view["text"])
        self.tokens.add(who.cookie(name="membergate_session")["value"])
        return who

    def assertRefused(self, view, *words):
        self.assertIn("wp-login.php", view["url"])
        for word in words:
            self.assertIn(word, view["text"])

    def front(self, who):
        """What the theme says of the visitor: (account, contact, gold)."""
        view = who.goto(url=self.site.url + "/")
        self.assertEqual(view["status"], 200, view)
        return tuple(who.text(selector=f"#{name}") for name in ("visitor", "contact", "gold"))

    def members(self, who, page="/members/"):
        return who.goto(url=self.site.url + page)

    def session_status(self, token):
        headers = {"Membergate-Session": token}
        return self.stack.api("GET", "/session", headers=headers).status

    def logins_asked(self):
        return self.stack.metric("membergate_logins_total")

    @contextlib.contextmanager
    def constants_of(self, **changed):
        self.site.set_constants(changed)
        try:
            yield
        finally:
            self.site.set_constants({})

    @contextlib.contextmanager
    def plugin(self, code):
        """Another plugin, until the end of the block."""
        path = self.site.root / "wp-content/mu-plugins/other.php"
        path.write_text("<?php " + code)
        try:
            yield
        finally:
            path.unlink()

    @contextlib.contextmanager
    def no_daemon(self):
        self.stack.kill("membergate")
        try:
            yield
        finally:
            self.stack.up()
            # Whoever asks now ends the pause, in which clicks do not wait for Membergate.
            self.assertEqual(self.health()["status"], "good")


class WordPress(WordPressTest):
    def test_a_member_from_the_webhook_to_the_lost_tag(self):
        ann = self.member("Ann Smith", tags=["Gold"])
        self.assertIsNone(self.site.user(ann["email"]))
        who = self.browser.person("ann")

        view = self.members(who)
        self.assertIn("/wp-login.php?redirect_to=/members/", view["url"])
        who.shoot(SHOTS, "1-login")
        view = self.submit_login(who, ann["email"], ann["password"])
        self.assertEqual(view["url"], self.site.url + "/members/")
        self.assertIn("Members only", view["text"])
        who.shoot(SHOTS, "2-gated-page")
        view = self.members(who, "/members/course/")
        self.assertIn("The course", view["text"])

        user = self.site.user(ann["email"])
        self.assertEqual(
            (user["login"], user["name"], user["roles"], user["contact"]),
            ("ann-smith", "Ann Smith", ["contributor", "subscriber"], ann["id"]))
        cookie = who.cookie(name="membergate_session")
        self.assertEqual(
            (cookie["httpOnly"], cookie["sameSite"], cookie["path"], cookie["secure"]),
            (True, "Lax", "/", False))
        self.assertEqual(self.session_status(cookie["value"]), 200)
        self.assertEqual(self.front(who),
                         ("Ann Smith, subscriber contributor", ann["email"], "has Gold"))

        self.retag(ann)
        view = self.members(who)
        self.assertEqual(view["status"], 403)
        self.assertNotIn("Members only", view["text"])
        who.shoot(SHOTS, "3-refused")
        self.assertEqual(self.members(who, "/members/course/")["status"], 403)
        self.assertEqual(self.front(who), ("Ann Smith, subscriber", ann["email"], "has no Gold"))

    def test_a_login_while_activecampaign_is_down(self):
        bob = self.member("Bob Miller", tags=["Gold"])
        self.stack.acsim_down()
        try:
            who = self.log_in_member("bob", bob)
            self.assertIn("Members only", self.members(who)["text"])
            self.assertEqual(self.front(who)[2], "has Gold")
        finally:
            self.stack.acsim_up()

    def test_a_wrong_password_and_an_unknown_email_read_the_same(self):
        one = self.member("Carl Careful")
        who = self.browser.person("carl")
        wrong = self.log_in(who, one["email"], "not his password")
        self.assertRefused(wrong, WRONG, "Lost your password?")
        who.shoot(SHOTS, "4-wrong-password")
        unknown = self.log_in(who, "nobody@example.com", "not his password")
        keeper = self.log_in(who, "keeper@example.org", "not his password")
        name = self.log_in(who, "no-such-name", "not his password")
        self.assertEqual({view["text"] for view in (wrong, unknown, keeper, name)}, {wrong["text"]})
        self.assertIsNone(who.cookie(name="membergate_session"))
        self.assertIsNone(self.site.user(one["email"]))

    def test_logging_out_ends_the_session(self):
        one = self.member("Dora Door", tags=["Gold"])
        who = self.log_in_member("dora", one)
        self.assertIn("Members only", self.members(who)["text"])
        token = who.cookie(name="membergate_session")["value"]
        self.front(who)
        who.submit(fields={}, button="#logout a")
        self.assertIsNone(who.cookie(name="membergate_session"))
        self.assertEqual(self.session_status(token), 404)
        self.assertIn("wp-login.php", self.members(who)["url"])
        self.assertEqual(self.front(who)[0], "nobody")

    def test_roles_follow_what_the_site_tags(self):
        one = self.member("Emma Editor", tags=["Silver"])
        self.member("Old Gold", tags=["Gold", "Tour"])  # so that there are such tags
        who = self.log_in_member("emma", one)
        self.assertEqual(self.site.user(one["email"])["roles"], ["author", "subscriber"])
        number = self.site.user(one["email"])["id"]
        said = self.site.php("", f"""
            echo json_encode([
                membergate_add_tags({number}, ['Gold'])['state'],
                membergate_has_tag({number}, 'GOLD'),
                membergate_remove_tags(get_user_by('id', {number}), ['Silver'])['state'],
                membergate_has_tag({number}, 'Silver'),
                membergate_add_tags('{one["email"]}', ['No such tag'])->get_error_code(),
                membergate_add_tags('{one["email"]}', ['Brand new'], true)['results'][0]['result'],
                membergate_contact({number})['email'],
                membergate_contact(1),
                membergate_has_tag(1, 'Gold'),
                membergate_add_tags(1, ['Gold'])->get_error_code(),
            ]);""")
        self.assertEqual(said, '["done",true,"done",false,"membergate_refused","applied",'
                         f'"{one["email"]}",null,false,"membergate_no_member"]')
        self.assertEqual(self.site.user(one["email"])["roles"], ["contributor", "subscriber"])
        self.assertEqual(self.front(who)[0], "Emma Editor, subscriber contributor")
        self.assertIn("Members only", self.members(who)["text"])

    def test_without_the_daemon_the_administrator_gets_in_and_members_read_why_not(self):
        one = self.member("Fred Friend", tags=["Gold"])
        inside = self.log_in_member("fred", one)
        with self.no_daemon():
            self.assertEqual(self.members(inside)["status"], 500)
            # Who is in stays in, with the roles he has; what cannot be told is not said.
            self.assertEqual(self.front(inside),
                             ("Fred Friend, subscriber contributor", "unknown", "has no Gold"))
            outside = self.browser.person("fred outside")
            self.assertRefused(self.log_in(outside, one["email"], one["password"]), UNAVAILABLE)
            outside.shoot(SHOTS, "5-unavailable")
            keeper = self.browser.person("keeper")
            self.assertRefused(self.log_in(keeper, self.site.ADMIN[0], "a guess"), UNAVAILABLE)
            view = self.log_in(keeper, *self.site.ADMIN)
            self.assertIn("/wp-admin/", view["url"], view["text"])
            self.assertIn("Membergate cannot be asked, so members cannot log in.", view["text"])
            keeper.shoot(SHOTS, "6-administrator")
        self.log_in_member("fred outside", one)
        view = keeper.goto(url=self.site.url + "/wp-admin/")
        self.assertNotIn("Membergate cannot be asked", view["text"])

    def test_a_daemon_that_hangs_holds_nobody_up_for_long(self):
        one = self.member("Vera Vast", tags=["Gold"])
        inside = self.log_in_member("vera", one)
        outside = self.browser.person("vera outside")
        self.open_login(outside)
        self.stack.kill("membergate", "STOP")
        try:
            begun = time.monotonic()
            self.assertEqual(self.front(inside)[:2], ("Vera Vast, subscriber contributor", "unknown"))
            first = time.monotonic() - begun
            self.front(inside)
            second = time.monotonic() - begun - first
            begun = time.monotonic()
            self.assertRefused(self.submit_login(outside, one["email"], one["password"]), UNAVAILABLE)
            login = time.monotonic() - begun
        finally:
            self.stack.kill("membergate", "CONT")
        print(f"\nhanging: first click {first:.1f} s, second {second:.1f} s, login {login:.1f} s", file=sys.stderr)
        self.assertLess(first, 6)
        self.assertLess(second, 2.5)
        self.assertLess(login, 10)
        self.assertEqual(self.health()["status"], "good")
        self.assertEqual(self.front(inside)[1], one["email"])

    def test_connecting_is_given_up_soon(self):
        said = self.site.php("", """add_action('requests-requests.before_request',
            function ($url, $headers, $data, $type, &$options) {
                echo $type, ' ', $options['connect_timeout'], ' ', $options['timeout'], '; ';
            }, 99, 5);
            wp_authenticate('somebody@example.com', 'a guess');
            wp_remote_get('http://127.0.0.1:1/elsewhere');""")
        self.assertEqual(said, "POST 2 6; GET 10 5; ")

    def test_the_administrator_is_not_asked_for_at_membergate(self):
        before = self.logins_asked()
        keeper = self.browser.person("keeper again")
        for name in (self.site.ADMIN[0], "keeper@example.org"):
            view = self.log_in(keeper, name, self.site.ADMIN[1])
            self.assertIn("/wp-admin/", view["url"], view["text"])
        self.assertIsNone(keeper.cookie(name="membergate_session"))
        self.assertEqual(self.logins_asked(), before)
        # That the metric would show it:
        self.log_in_member("gina", self.member("Gina Green"))
        self.assertGreater(self.logins_asked(), before)

    def test_an_administrator_is_not_taken_over_by_his_email(self):
        self.site.php("", """wp_insert_user(['user_login' => 'chief', 'user_email' => 'the.chief@example.com',
            'user_pass' => 'the chief is here', 'role' => 'administrator']);""")
        one = self.member("The Chief", tags=["Silver"])
        who = self.browser.person("chief")
        view = self.log_in(who, one["email"], one["password"])
        self.assertRefused(view, "This account is kept by WordPress alone")
        self.assertIsNone(who.cookie(name="membergate_session"))
        self.assertEqual(self.site.user(one["email"])["contact"], "")
        self.assertEqual(self.sessions_of(one), 0)
        with self.constants_of(MEMBERGATE_LINK_ADMINS="true"):
            view = self.log_in(who, one["email"], one["password"])
            self.assertIn("/wp-admin/", view["url"], view["text"])
            self.assertEqual(self.site.user(one["email"])["roles"], ["administrator"])
        # Not entitled to it any more, but still an administrator.
        self.assertRefused(self.log_in(who, one["email"], one["password"]),
                           "This account is kept by WordPress alone")

    def sessions_of(self, one):
        return self.stack.query("SELECT count(*) FROM session WHERE contact_id = ?", int(one["id"]))[0][0]

    def test_a_ban_and_a_throttle_have_sentences_of_their_own(self):
        one = self.member("Harry Hill")
        who = self.log_in_member("harry", one)
        self.assertEqual(self.front(who)[0], "Harry Hill, subscriber")
        self.retag(one, "Banned")
        self.assertEqual(self.front(who)[0], "nobody")
        self.assertRefused(self.log_in(who, one["email"], one["password"]),
                           "your membership does not include this site")
        who.shoot(SHOTS, "7-not-entitled")
        guest = self.browser.person("guesser")
        for _ in range(12):
            view = self.log_in(guest, "guessed@example.com", "a guess")
            if WRONG not in view["text"]:
                break
        self.assertRefused(view, "Too many attempts. Try again in ", " second")
        # It is the visitor's address that is kept out. The pause may be over by now; each further
        # guess doubles the next.
        for _ in range(8):
            answer = self.stack.login("guessed@example.com", "a guess", client_ip="127.0.0.1")
            if answer.status == 429:
                break
        self.assertEqual(answer.status, 429, str(answer))
        answer = self.stack.login("guessed@example.com", "a guess", client_ip="198.51.100.7")
        self.assertEqual(answer.status, 401, str(answer))

    def test_a_session_that_membergate_ended_is_the_end_of_the_login(self):
        one = self.member("Ida Idle", tags=["Gold"])
        who = self.log_in_member("ida", one)
        self.assertEqual(self.front(who)[0], "Ida Idle, subscriber contributor")
        answer = self.stack.api("POST", f"/contacts/{one['id']}/password",
                                {"action": "set", "password": "a quite new one"})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(self.front(who)[0], "nobody")
        self.assertIsNone(who.cookie(name="membergate_session"))
        self.assertIn("wp-login.php", who.goto(url=self.site.url + "/wp-admin/profile.php")["url"])

    def test_a_new_cookie_of_wordpress_is_bound_to_the_same_session(self):
        one = self.member("Abel Again")
        who = self.log_in_member("abel", one)
        with self.plugin("add_action('init', function () {"
                         " isset($_GET['again']) && wp_set_auth_cookie(get_current_user_id()); });"):
            who.goto(url=self.site.url + "/?again")
        self.assertEqual(self.front(who)[0], "Abel Again, subscriber")
        token = who.cookie(name="membergate_session")["value"]
        answer = self.stack.api("POST", "/logout", headers={"Membergate-Session": token})
        self.assertEqual(answer.status, 204, str(answer))
        self.assertEqual(self.front(who)[0], "nobody")

    def test_a_login_without_the_cookie_of_the_session_ends(self):
        who = self.log_in_member("jack", self.member("Jack Jar", tags=["Gold"]))
        self.assertEqual(self.front(who)[0], "Jack Jar, subscriber contributor")
        who.forgetCookie(name="membergate_session")
        self.assertEqual(self.front(who)[0], "nobody")

    def test_the_cookie_is_for_tls_only_where_there_is_tls_and_stays_if_wordpress_s_does(self):
        one = self.member("Zoe Zone")
        for port, remember in ((self.site.port, ""), (self.site.behind_tls, "&rememberme=forever")):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            with contextlib.closing(connection):
                form = urllib.parse.urlencode({"log": one["email"], "pwd": one["password"]})
                headers = {**FORM, "Host": self.site.host}
                connection.request("POST", "/wp-login.php", form + remember, headers)
                answer = connection.getresponse()
                answer.read()
            self.assertEqual(answer.status, 302)
            (cookie,) = [value for value in answer.headers.get_all("Set-Cookie")
                         if value.startswith("membergate_session=")]
            words = [word.split("=")[0].lower() for word in cookie.split("; ")[1:]]
            self.assertEqual("secure" in words, port == self.site.behind_tls, cookie)
            self.assertEqual("expires" in words, bool(remember), cookie)
            self.assertIn("httponly", words)
            self.assertNotIn("domain", words)

    def test_sessions_are_looked_up_no_more_often_than_said(self):
        one = self.member("Kim Kept", tags=["Gold"])
        with self.constants_of(MEMBERGATE_REFRESH="3600"):
            who = self.log_in_member("kim", one)
            self.front(who)
            self.retag(one)
            # The gate knows at once, the roles with the next look.
            self.assertEqual(self.members(who)["status"], 403)
            self.assertEqual(self.front(who)[0], "Kim Kept, subscriber contributor")
        self.assertEqual(self.front(who)[0], "Kim Kept, subscriber")

    def test_the_account_follows_the_contact_to_its_new_email(self):
        one = self.member("Lena Long")
        self.log_in_member("lena", one)
        before = self.site.user(one["email"])
        answer = self.stack.api("PATCH", f"/contacts/{one['id']}",
                                {"email": "lena.new@example.com", "last_name": "Lang"},
                                headers={"Prefer": "wait=8"})
        self.assertEqual(answer.status, 200, str(answer))
        self.log_in_member("lena later", {**one, "email": "lena.new@example.com"})
        after = self.site.user("lena.new@example.com")
        self.assertEqual((after["id"], after["login"], after["name"]),
                         (before["id"], "lena-long", "Lena Lang"))
        self.assertIsNone(self.site.user(one["email"]))

    def test_who_gets_a_members_old_email_does_not_get_his_account(self):
        one = self.member("Mona Moved")
        # WordPress's pages ask by themselves now and then, and would tell of the new e-mail.
        who = self.log_in_member("mona", one)
        who.goto(url="about:blank")
        before = self.site.user(one["email"])
        answer = self.stack.api("PATCH", f"/contacts/{one['id']}", {"email": "mona.new@example.com"},
                                headers={"Prefer": "wait=8"})
        self.assertEqual(answer.status, 200, str(answer))
        # Another person, before the first has been here again.
        other = self.member("Mona Moved", tags=["Gold"])
        self.assertNotEqual(other["id"], one["id"])
        self.assertEqual(self.site.user(one["email"])["id"], before["id"])
        self.log_in_member("other mona", other)
        after = self.site.user(one["email"])
        self.assertNotEqual(after["id"], before["id"])
        self.assertEqual((after["contact"], after["login"]), (other["id"], "mona-moved-2"))
        self.assertEqual(self.site.user("mona.new@example.com")["id"], before["id"])

    def test_an_account_that_was_there_is_linked_and_its_old_ways_in_are_shut(self):
        one = self.member("Nina Known")
        number = self.site.php("", f"""
            $id = wp_insert_user(['user_login' => 'nina', 'user_email' => '{one["email"]}',
                'user_pass' => 'nina in WordPress', 'role' => 'author']);
            WP_Session_Tokens::get_instance($id)->create(time() + 3600);
            WP_Application_Passwords::create_new_application_password($id, ['name' => 'phone']);
            echo $id;""")
        who = self.browser.person("nina")
        self.assertRefused(self.log_in(who, "nina", "nina in WordPress"), WRONG)
        # By the name of the account, with Membergate's password.
        view = self.log_in(who, "nina", one["password"])
        self.assertNotIn("wp-login", view["url"], view["text"])
        user = self.site.user(one["email"])
        self.assertEqual((user["id"], user["contact"]), (number, one["id"]))
        self.assertEqual(user["roles"], ["subscriber"])  # author follows the tag Silver
        said = self.site.php("", f"""echo json_encode([
            count(WP_Session_Tokens::get_instance({number})->get_all()),
            count(WP_Application_Passwords::get_user_application_passwords({number})),
            wp_is_application_passwords_available_for_user({number}),
            ]);""")
        self.assertEqual(said, "[1,0,false]")

    def test_a_password_with_quotes_and_backslashes(self):
        one = self.member("Olga Odd", password="it's \"odd\" \\ isn't <it> &amp;")
        self.log_in_member("olga", one)

    def test_a_member_changes_the_password_on_the_profile_page(self):
        one = self.member("Paul Page", tags=["Gold"])
        who = self.log_in_member("paul", one)
        old = who.cookie(name="membergate_session")["value"]

        view = self.change_password(who, "short")
        self.assertIn("The password was not changed:", view["text"])
        self.assertIn("10 characters", view["text"])
        who.shoot(SHOTS, "8-password-refused")
        self.assertEqual(self.session_status(old), 200)

        view = self.change_password(who, "Paul's new \"page\"")
        self.assertIn("Profile updated.", view["text"])
        self.assertEqual(self.session_status(old), 404)
        self.assertEqual(self.session_status(who.cookie(name="membergate_session")["value"]), 200)
        self.assertIn("Members only", self.members(who)["text"])
        self.assertEqual(self.front(who)[0], "Paul Page, subscriber contributor")
        self.assertRefused(self.log_in(self.browser.person("paul old"), one["email"], one["password"]),
                           WRONG)
        self.log_in_member("paul new", {**one, "password": "Paul's new \"page\""})

    def change_password(self, who, password):
        who.goto(url=self.site.url + "/wp-admin/profile.php")
        who.click(selector=".wp-generate-pw")
        fields = {"#pass1": password}
        who.fill(fields=fields)
        who.check(selector=".pw-weak input[type=checkbox]")
        return who.submit(fields={}, button="#submit")

    def test_a_lost_password_is_set_through_the_mail(self):
        one = self.member("Quentin Quick")
        self.log_in_member("quentin", one)
        known = set(self.site.mails.iterdir())
        who = self.browser.person("quentin lost")
        who.goto(url=self.site.url + "/wp-login.php?action=lostpassword")
        who.submit(fields={"#user_login": one["email"]}, button="#wp-submit")

        def link():
            for mail in set(self.site.mails.iterdir()) - known:
                found = re.search(r"http://\S*action=rp\S*", mail.read_text())
                if found and mail.suffix != ".part":
                    return found[0]
            return None

        who.goto(url=wait_for(link, "no mail with a link"))
        who.untilFilled(selector="#pass1")
        who.fill(fields={"#pass1": "too short"})
        who.check(selector=".pw-weak input[type=checkbox]")
        view = who.submit(fields={}, button="#wp-submit")
        self.assertIn("The password must have at least 10 characters.", view["text"])
        who.untilFilled(selector="#pass1")
        who.fill(fields={"#pass1": "quentin's other one"})
        who.submit(fields={}, button="#wp-submit")
        self.log_in_member("quentin found", {**one, "password": "quentin's other one"})

    def test_xmlrpc_takes_an_application_password_and_asks_membergate_for_nothing(self):
        one = self.member("Rita Remote")
        self.log_in_member("rita", one)
        number = self.site.user(one["email"])["id"]
        before = self.logins_asked()
        self.assertIn("Incorrect username", self.xmlrpc(one["email"], one["password"]))
        self.assertIn("A membership site", self.xmlrpc(*self.site.ADMIN))
        self.assertIn("faultCode", self.xmlrpc(self.site.ADMIN[0], "a guess"))
        password = self.site.php("", """add_filter('wp_is_application_passwords_available', '__return_true');
            echo WP_Application_Passwords::create_new_application_password(1, ['name' => 'phone'])[0];""")
        self.assertIn("faultCode", self.xmlrpc("keeper", password[:-1]))
        self.assertEqual(self.logins_asked(), before)
        self.assertEqual(self.sessions_of(one), 1, number)

    def xmlrpc(self, name, password):
        body = ("<?xml version='1.0'?><methodCall><methodName>wp.getUsersBlogs</methodName><params>"
                + "".join(f"<param><value><string>{html.escape(text)}</string></value></param>"
                          for text in (name, password)) + "</params></methodCall>")
        with self.request("/xmlrpc.php", body, {"Content-Type": "text/xml"}) as answer:
            return answer.read().decode()

    def test_site_health_says_what_the_key_lacks(self):
        self.assertEqual(self.health()["status"], "good", self.health())
        key = self.stack.new_key("poor", "login")
        with self.constants_of(MEMBERGATE_KEY=f"'{key}'", MEMBERGATE_KEY_FILE=None):
            said = self.health()
            self.assertEqual(said["status"], "recommended")
            for scope in ("contacts:read", "contacts:write", "admin"):
                self.assertIn(f"lacks the scope {scope}.", said["description"])
        with self.constants_of(MEMBERGATE_KEY="'mbr_no_such_key'", MEMBERGATE_KEY_FILE=None):
            self.assertIn("refuses the API key", self.health()["description"])
        with self.constants_of(MEMBERGATE_URL=f"'http://127.0.0.1:{self.site.port}/'"):
            self.assertEqual(self.health()["status"], "good")
        with self.constants_of(MEMBERGATE_URL=f"'http://127.0.0.1:{free_port()}'"):
            self.assertIn("cannot be asked", self.health()["description"])
        with self.constants_of(MEMBERGATE_URL="'http://wordpress.example'"):
            self.assertIn("MEMBERGATE_URL", self.health()["description"])
        self.assertEqual(self.health()["status"], "good", self.health())

    def test_a_role_that_makes_a_protected_account_is_not_given(self):
        one = self.member("Wim Write", tags=["Gold", "Silver"])
        with self.constants_of(MEMBERGATE_ROLES="['Gold' => 'administrator', 'Silver' => ['author', 'nobody']]"):
            self.log_in_member("wim", one)
            self.assertEqual(self.site.user(one["email"])["roles"], ["author", "subscriber"])
            for role in ("administrator", "nobody"):
                self.assertIn(f"The role {role} cannot follow a tag", self.health()["description"])
        other = self.member("Xenia Write", tags=["Gold"])
        with self.constants_of(MEMBERGATE_FALLBACK_CAPABILITY="'edit_posts'"):
            self.log_in_member("xenia", other)
            self.assertEqual(self.site.user(other["email"])["roles"], ["subscriber"])
            self.assertIn("The role contributor cannot follow", self.health()["description"])

    def test_where_passwords_are_not_changed_in_wordpress_members_get_no_form(self):
        one = self.member("Yara Young")
        who = self.log_in_member("yara", one)
        number = self.site.user(one["email"])["id"]
        with self.constants_of(MEMBERGATE_PASSWORDS="'off'"):
            self.assertEqual(self.health()["status"], "good")
            self.assertNotIn("New Password", who.goto(url=self.site.url + "/wp-admin/profile.php")["text"])
            who.goto(url=self.site.url + "/wp-login.php?action=lostpassword")
            view = who.submit(fields={"#user_login": one["email"]}, button="#wp-submit")
            self.assertIn("Password reset is not allowed for this user", view["text"])
            said = self.site.php("", f"echo membergate_set_password({number}, 'a quite long one')->get_error_code();")
            self.assertEqual(said, "membergate_passwords_off")
        # With the form there it would be seen:
        self.assertIn("New Password", who.goto(url=self.site.url + "/wp-admin/profile.php")["text"])

    def health(self):
        return json.loads(self.site.php("", "echo json_encode(Membergate::testHealth());"))

    def test_local_lets_in_who_is_no_contact_and_none_lets_in_nobody_else(self):
        self.site.php("", """wp_insert_user(['user_login' => 'writer', 'user_email' => 'writer@example.com',
            'user_pass' => wp_slash("the writer's own"), 'role' => 'editor']);""")
        one = self.member("Sara Strict")
        self.log_in_member("sara", one)
        self.site.php("", f"wp_set_password('sara in WordPress', {self.site.user(one['email'])['id']});")
        who = self.browser.person("writer")
        self.assertRefused(self.log_in(who, "writer", "the writer's own"), WRONG)
        with self.constants_of(MEMBERGATE_FALLBACK="'local'"):
            self.assertIn("/wp-admin/", self.log_in(who, "writer", "the writer's own")["url"])
            # Of a linked account only Membergate's password counts.
            self.assertRefused(self.log_in(who, one["email"], "sara in WordPress"), WRONG)
            with self.no_daemon():
                view = self.log_in(who, "writer@example.com", "the writer's own")
                self.assertIn("/wp-admin/", view["url"], view["text"])
                self.assertRefused(self.log_in(who, one["email"], "sara in WordPress"), UNAVAILABLE)
        with self.constants_of(MEMBERGATE_FALLBACK_CAPABILITY="'edit_posts'"):
            self.assertIn("/wp-admin/", self.log_in(who, "writer", "the writer's own")["url"])
        with self.constants_of(MEMBERGATE_FALLBACK="'none'"):
            self.assertRefused(self.log_in(who, "writer", "the writer's own"), WRONG)
            self.assertRefused(self.log_in(who, *self.site.ADMIN), WRONG)
            self.log_in_member("sara strictly", one)

    def test_a_second_factor_in_between_leaves_no_session(self):
        one = self.member("Tom Token", tags=["Gold"])
        with self.plugin("add_action('wp_login', function () {"
                         " wp_destroy_current_session(); wp_clear_auth_cookie();"
                         " echo 'Your code, please'; exit; });"):
            who = self.browser.person("tom")
            view = self.log_in(who, one["email"], one["password"])
        self.assertIn("Your code, please", view["text"])
        self.assertIsNone(who.cookie(name="membergate_session"))
        self.assertEqual(self.sessions_of(one), 0)

    def test_a_password_that_is_only_checked_leaves_no_session(self):
        one = self.member("Una Used")
        password = b64encode(one["password"].encode()).decode()
        said = self.site.php("", f"echo get_class(wp_authenticate('{one['email']}', "
                             f"base64_decode('{password}')));")
        self.assertEqual(said, "WP_User")
        self.assertEqual(self.sessions_of(one), 0)


del StackTest, WordPressTest


if __name__ == "__main__":
    main()
