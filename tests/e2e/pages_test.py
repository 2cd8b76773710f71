"""The pages for a browser, as a visitor of a members' area meets them."""

import pathlib
import tempfile
import urllib.parse

from browser import Browser
from gate_test import GateTest
from harness import main, wait_for
from login_test import FAILURE_TIME

LOGIN = "/membergate/login"
LOGOUT = "/membergate/logout"
RESET = "/membergate/reset"
LINK = "/membergate/link"
PAGE = "/members/page.html"


class PagesTest(GateTest):
    limits = ("pages=off",)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.number = 0

    def setUp(self):
        self.browser = Browser(self.stack.http)

    def new_member(self):
        """Of whom no login has failed yet."""
        type(self).number += 1
        return self.member(f"visitor{self.number}", "right of way", tags=["Gold"])

    def log_in(self, one, password=None, target=LOGIN):
        self.assertShown(self.browser.get(target))
        return self.browser.submit(email=one["email"], password=password or one["password"])

    def assertShown(self, answer, status=200, sentence=None):
        self.assertEqual(answer.status, status, str(answer))
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        page = self.browser.page
        self.assertEqual(page.faults, [], answer.body.decode())
        self.assertEqual(page.texts.get("alert"), sentence)
        self.assertRegex(
            answer.headers["Content-Security-Policy"],
            "^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'$")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    def assertSentTo(self, answer, target):
        self.assertEqual(answer.status, 303, str(answer))
        self.assertEqual(answer.headers["Location"], target)

    def see(self, target=PAGE):
        return self.browser.get(target)


class Login(PagesTest):
    def test_from_the_gate_through_the_login_to_the_page(self):
        one = self.new_member()
        sent = self.see()
        self.assertSentToLogin(sent)
        answer = self.log_in(one, target=sent.headers["Location"])
        self.assertSentTo(answer, PAGE)
        self.assertRegex(
            answer.headers["Set-Cookie"],
            "^membergate_session=[A-Za-z0-9_-]{43}; HttpOnly; SameSite=Lax; Path=/$")
        self.assertServed(self.see(answer.headers["Location"]))
        # Whoever is logged in has no use for the form.
        self.assertSentTo(self.browser.get(f"{LOGIN}?redir={PAGE}"), PAGE)

    def test_a_query_survives_the_way_through_the_login(self):
        wanted = PAGE + "?a=1&b=%26%2F&redir=/x&c=d+e"
        sent = self.see(wanted)
        self.assertSentTo(sent, f"{LOGIN}?redir={wanted}")
        answer = self.log_in(self.new_member(), target=sent.headers["Location"])
        self.assertSentTo(answer, wanted)
        self.assertServed(self.see(wanted))

    def test_a_target_that_somebody_encoded_is_decoded(self):
        wanted = PAGE + "?a=1&b=2"
        target = f"{LOGIN}?redir={urllib.parse.quote(wanted, safe='')}&utm=mail"
        self.assertSentTo(self.log_in(self.new_member(), target=target), wanted)

    def test_nobody_is_led_out_of_the_site(self):
        one = self.new_member()
        for target in ("//evil.example", "/\\evil.example", "https://evil.example", "%2F%2Fevil",
                       "%2F%5Cevil", "javascript:alert(1)", "%2F%0D%0ALocation:%20//evil"):
            with self.subTest(target):
                self.browser = Browser(self.stack.http)
                self.assertSentTo(self.log_in(one, target=f"{LOGIN}?redir={target}"), "/")
                # Nor by a form that was tampered with.
                self.browser = Browser(self.stack.http)
                self.browser.get(LOGIN)
                answer = self.browser.submit(email=one["email"], password=one["password"],
                                             redir=urllib.parse.unquote(target))
                self.assertSentTo(answer, "/")

    def test_every_wrong_login_reads_and_takes_the_same(self):
        known, none_yet = self.new_member(), self.add("none.yet")
        bodies = set()
        for email, password in ((known["email"], "wrong"), ("unknown@example.org", "right of way"),
                                (none_yet["email"], "right of way"), (known["email"], "")):
            self.browser.get(LOGIN)
            answer = self.browser.submit(email=email, password=password)
            self.assertShown(answer, 401, "E-mail or password is wrong.")
            self.assertGreaterEqual(answer.seconds, FAILURE_TIME - 0.01)
            self.assertEqual(self.browser.page.fields["email"], email)
            self.assertNotIn("membergate_session", self.browser.cookies)
            bodies.add(answer.body.replace(email.encode(), b"EMAIL"))
        self.assertEqual(len(bodies), 1, bodies)

    def test_a_member_who_is_banned_is_told(self):
        one = self.member("kept.out", "right of way", tags=["Gold", "Banned"])
        self.assertShown(self.log_in(one), 403,
                         "The password is right, but this membership is not active.")
        self.assertNotIn("membergate_session", self.browser.cookies)

    def test_guessing_is_throttled(self):
        one = self.new_member()
        # The waits grow, so that a slow machine is refused too.
        tries = (self.log_in(one, "wrong") for _ in range(10))
        answer = next(answer for answer in tries if answer.status != 401)
        self.assertShown(answer, 429, "Too many failed tries. Please wait a little before the next "
                                      "one.")
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)

    def test_a_form_of_another_site_logs_nobody_in(self):
        one = self.new_member()
        self.browser.get(LOGIN)
        body = urllib.parse.urlencode({**self.browser.page.fields, "email": one["email"],
                                       "password": one["password"]})
        cookie = self.browser.cookies.pop("membergate_csrf")
        refused = "This form was too old or incomplete. Please send it again."
        self.assertShown(self.browser.post(LOGIN, body), 403, refused)
        # A cookie and a token of two browsers do not go together.
        self.assertNotEqual(self.browser.cookies["membergate_csrf"], cookie)
        self.assertShown(self.browser.post(LOGIN, body), 403, refused)
        self.assertNotIn("membergate_session", self.browser.cookies)
        # The form that the refusal shows is good.
        self.assertSentTo(self.browser.submit(password=one["password"]), "/")

    def test_logins_are_counted_and_logged_without_a_name(self):
        one = self.new_member()
        before = self.stack.metric("membergate_logins_total", result="admitted")
        self.assertSentTo(self.log_in(one), "/")
        after = self.stack.metric("membergate_logins_total", result="admitted")
        self.assertEqual(after, before + 1)
        line = self.stack.logged("login")[-1]
        self.assertEqual((line["route"], line["result"]), ("login", "admitted"))
        self.assertNotIn(one["email"], str(self.stack.log_lines()))


class Logout(PagesTest):
    def test_the_button_ends_the_session_and_takes_the_cookie(self):
        self.log_in(self.new_member())
        session = self.browser.cookies["membergate_session"]
        self.assertServed(self.see())
        self.assertSentTo(self.browser.post(LOGOUT), "/")
        self.assertNotIn("membergate_session", self.browser.cookies)
        self.assertSentToLogin(self.see())
        self.assertSentToLogin(self.click(session))

    def test_neither_a_link_nor_another_sites_form_logs_anybody_out(self):
        self.log_in(self.new_member())
        self.assertEqual(self.browser.get(LOGOUT).status, 405)
        # A form of another site comes without the cookie.
        answer = Browser(self.stack.http).post(LOGOUT)
        self.assertSentTo(answer, "/")
        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertServed(self.see())


class NewPassword(PagesTest):
    def test_a_request_is_answered_the_same_for_everybody(self):
        known = self.new_member()
        answers = set()
        for email in (known["email"], "unknown@example.org", known["email"].upper()):
            self.assertShown(self.browser.get(RESET))
            answer = self.browser.submit(email=email)
            self.assertShown(answer)
            self.assertGreaterEqual(answer.seconds, FAILURE_TIME - 0.01)
            answers.add((answer.status, answer.body))
        self.assertEqual(len(answers), 1, answers)

    def test_a_request_of_another_site_is_not_taken(self):
        answer = self.browser.post(RESET, "email=someone%40example.org&csrf=x")
        self.assertShown(answer, 403, "This form was too old or incomplete. Please send it again.")

    def test_looking_at_a_link_tells_and_burns_nothing(self):
        self.browser.get(LINK)
        bodies = set()
        for token in ("A" * 43, "B" * 43, ""):
            answer = self.browser.get(f"{LINK}?t={token}")
            self.assertShown(answer)
            self.assertEqual(self.browser.page.fields["t"], token)
            bodies.add(answer.body.replace(f'value="{token}"'.encode(), b'value="T"'))
        self.assertEqual(len(bodies), 1, bodies)

    def test_two_passwords_that_differ_are_asked_for_again(self):
        self.browser.get(f"{LINK}?t=" + "A" * 43)
        answer = self.browser.submit(password="Staple-Battery-9", repeat="Staple-Battery-8")
        self.assertShown(answer, 422, "The two passwords are not the same.")
        self.assertEqual(self.browser.page.fields["t"], "A" * 43)
        self.assertNotIn(b"Staple", answer.body)


class NewPasswordByLink(PagesTest):
    config = {**PagesTest.config, "webhooks.public_url": "http://127.0.0.1:1"}

    def link(self, one):
        """A link as the site gets it for its own mail."""
        answer = self.stack.api("POST", f"/contacts/{one['id']}/password", {"action": "link"})
        self.assertEqual(answer.status, 200, str(answer))
        return self.target(answer.json()["link"])

    def target(self, link):
        self.assertRegex(link, r"^http://127\.0\.0\.1:1/membergate/link\?t=[A-Za-z0-9_-]{43}$")
        return link.removeprefix("http://127.0.0.1:1")

    def assertSet(self, answer):
        self.assertShown(answer)
        self.assertEqual(self.browser.page.texts["p"], "Your new password is set.")

    def test_a_link_is_good_for_one_password(self):
        one = self.new_member()
        session = self.session(one)
        link = self.link(one)
        self.assertShown(self.browser.get(link))
        for password, sentence in (
            ("short", "The password must have at least 10 characters."),
            (one["email"], "The password must not be your e-mail."),
            ("password123!", "This password is too easy to guess. Please choose another one."),
        ):
            answer = self.browser.submit(password=password, repeat=password)
            self.assertShown(answer, 422, sentence)
        self.assertServed(self.click(session))

        self.assertSet(self.browser.submit(password="Staple-Battery-9", repeat="Staple-Battery-9"))
        self.assertSentToLogin(self.click(session))
        self.assertEqual(self.log_in(one).status, 401)
        self.assertSentTo(self.log_in(one, "Staple-Battery-9"), "/")

        self.assertShown(self.browser.get(link))
        answer = self.browser.submit(password="Staple-Battery-8", repeat="Staple-Battery-8")
        self.assertShown(answer, 403, "This link is not valid any more: it was used, it is too "
                                      "old, or it was not copied as a whole.")
        self.assertEqual(self.browser.page.all("a")[0]["href"], RESET)

    def test_who_forgot_his_password_gets_in_again(self):
        one = self.new_member()
        self.browser.get(RESET)
        self.assertShown(self.browser.submit(email=one["email"]))

        def field():
            return self.stack.acsim.contact(one["id"])["fields"].get("PASSWORD", "")

        wait_for(lambda: "/membergate/link" in field(), field)
        self.browser.get(self.target(field()))
        self.assertSet(self.browser.submit(password="Staple-Battery-9", repeat="Staple-Battery-9"))
        self.assertSentTo(self.log_in(one, "Staple-Battery-9"), "/")


class Words(PagesTest):
    def test_the_operators_words_take_the_place_of_ours(self):
        with tempfile.TemporaryDirectory(prefix="mbr-texts-") as folder:
            file = pathlib.Path(folder) / "pages.texts"
            file.write_text("lang = de\nlogin.title = <Anmelden> & los\nemail = E-Mail-Adresse\n")
            self.stack.up(config={"pages.texts": str(file)})
            self.assertShown(self.browser.get(LOGIN))
            page = self.browser.page
            self.assertEqual(page.all("html")[0]["lang"], "de")
            self.assertEqual(page.texts["h1"], "<Anmelden> & los")
            self.assertEqual(page.texts["button"], "Log in")
            self.assertIn(b">E-Mail-Adresse</label>", page.answer.body)

            file.write_text("lang = de\nlogin.titel = Anmelden\n")
            run = self.stack.command("check-config", check=False)
            self.assertEqual(run.returncode, 78)
            self.assertIn("line 2: key `login.titel`: unknown", run.stdout + run.stderr)


del GateTest, PagesTest


if __name__ == "__main__":
    main()
