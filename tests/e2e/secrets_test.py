"""Secrets go through every kind of answer; afterwards no file and no process shows one."""

import pathlib

from browser import Browser
from harness import StackTest, automation_body, main, percent
from leaks import leaks
from simulator import passwords

CODE_LIKE = "CanaryCode0123456789abcdefghijkl"
KEY_LIKE = "mbr_CanaryKey0123456789abcdefghijklmnop"


class Canaries(StackTest):
    daemon_restarts = True
    config = {"log.level": "debug", "login.failure_time": "0ms"}

    @classmethod
    def prepare(cls):
        cls.emails = ["canary.known@example.org", "canary+new@example.org"]
        cls.known_password = 'Canary "known" &+%/ö'
        ids = cls.stack.acsim.add(
            {"email": cls.emails[0], "fields": {"PASSWORD": cls.known_password}},
            {"email": cls.emails[1], "phone": "+49 30 canary"},
        )
        cls.people = [{"id": i, "email": email} for i, email in zip(ids, cls.emails)]
        cls.default_pass = "canary-default-pass!7"
        cls.tried = {
            "wrong password": "Canary-tried-and-wrong 1",
            "short code": CODE_LIKE[:20],
            "wrong code": CODE_LIKE,
            "wrong key": KEY_LIKE,
        }
        cls.link_token = "CanaryLinkToken0123456789abcdefghijklmnopqr"
        cls.chosen = "Canary-chosen-password 5"
        cls.statuses = set()
        cls.sessions = []
        cls.csrf = {}
        cls.work()

    # --- the calls -------------------------------------------------------------------------

    @classmethod
    def see(cls, answer):
        cls.statuses.add(answer.status)
        return answer

    @classmethod
    def form(cls, target, body="contact[id]=1"):
        return cls.see(cls.stack.post_form(target, body))

    @classmethod
    def work(cls):
        cls.right_calls()
        cls.pages()
        cls.wrong_webhooks()
        cls.wrong_api_calls()
        cls.stack.wait_until_idle()
        cls.refused_by_nginx()
        cls.daemon_down()

    @classmethod
    def right_calls(cls):
        known, new = cls.people
        cls.see(cls.stack.genpass(known, "tid=1"))
        cls.see(cls.stack.genpass(new, f"default_pass={percent(cls.default_pass)}"))
        cls.stack.wait_until_idle()
        for one, password in ((known, cls.known_password), (new, cls.default_pass)):
            answer = cls.see(cls.stack.login(one["email"], password, client_ip="192.0.2.1"))
            if answer.status == 200:
                cls.sessions.append(answer.json()["session"])
            cls.see(cls.stack.get_contact(one["email"], "refresh=live"))
            cls.see(cls.stack.event(one))
        cls.see(cls.stack.api("POST", f"/contacts/{percent(new['email'])}/tags", {"add": ["2"]}))

    @classmethod
    def pages(cls):
        email = cls.emails[0]
        browser = Browser(cls.stack.http)

        def fill(target, **fields):
            cls.see(browser.get(target))
            cls.csrf.update(cookie=browser.cookies["membergate_csrf"],
                            token=browser.page.fields["csrf"])
            return cls.see(browser.submit(**fields))

        fill(f"/membergate/login?redir=/page?email={percent(email)}",
             email=email, password=cls.tried["wrong password"])
        fill("/membergate/login", email=email, password=cls.known_password)
        cls.sessions.append(browser.cookies["membergate_session"])
        cls.see(browser.get("/membergate/login"))
        cls.see(browser.post("/membergate/logout"))
        fill(f"/membergate/reset?email={percent(email)}", email=email)
        link = f"/membergate/link?t={cls.link_token}"
        fill(link, password=cls.chosen, repeat=cls.chosen)
        fill(link, password=cls.chosen, repeat=cls.tried["wrong password"])
        for target in (f"/membergate/reset?password={percent(cls.chosen)}", f"{link}&x=%zz",
                       f"/membergate/link/{cls.link_token}"):
            cls.see(browser.get(target))
            cls.see(browser.post(target, f"t={cls.link_token}&password={percent(cls.chosen)}"))

    @classmethod
    def wrong_webhooks(cls):
        code = cls.stack.code
        for wrong in (CODE_LIKE, CODE_LIKE[:20]):
            cls.form(f"/?mbr_genpass={wrong}")
            cls.form(f"/membergate/hooks/events?code={wrong}")
        email = percent(cls.emails[0])
        # The code where it does not belong, on routes that exist and on some that do not.
        for target in (
            f"/membergate/hooks/events?mbr_genpass={code}",
            f"/membergate/hooks/genpass?mbr_genpass={code}",
            f"/membergate/hooks/other?code={code}",
            f"/membergate/{code}",
            f"/membergate/v1/contacts/{code}?code={code}",
            f"/membergate/v1/contacts/{email}/{code}",
            f"/some/page?mbr_genpass={code}&email={email}",
            f"/some/page?code={code}",
            f"/some/page?x=1&token={code}",
            f"/?mbr%5fgenpass={code}",
            f"/?m%62r_genpass={code}",
            f"/index.php?mbr_clearuser={code}",
            f"/?mbr_autologin={code}&id=1&email={email}",
            f"/?mbr_auth={code}",
            f"/mbr/{code}/contact",
            f"/?mbr_genpass={code}&mbr_genpass={code}",
            f"/?mbr_genpass={code}&default_pass={percent(cls.default_pass)}%zz",
            f"/?mbr_genpass={code}&tid={email}",
        ):
            cls.form(target, f"contact[id]=1&contact[email]={email}&x=%zz")
            cls.see(cls.stack.http.request("GET", target))
        for body in ("", "contact[email]=" + email + "%zz", f"contact[id]={email}"):
            cls.form(cls.stack.genpass_target(), body)
        text = {"Content-Type": "text/plain"}
        cls.see(cls.stack.http.request("POST", cls.stack.genpass_target(), "x", text))
        cls.form(cls.stack.genpass_target(), "x=" + "a" * 300_000)
        line = f"POST {cls.stack.genpass_target()} HTTP/1.1\r\n"
        half = f"{line}Host: x\r\nContent-Length: 9\r\n\r\nhalf"
        cls.stack.http.raw(half.encode(), close_early=True)
        cls.stack.http.raw(f"{line}Broken {code}\r\n\r\n".encode())

    @classmethod
    def wrong_api_calls(cls):
        stack, email = cls.stack, cls.emails[0]
        stranger = "canary.stranger@example.org"
        cls.emails.append(stranger)
        for password in (cls.tried["wrong password"], cls.known_password.upper()):
            cls.see(stack.login(email, password, client_ip="192.0.2.2"))
            cls.see(stack.login(stranger, password, client_ip="192.0.2.2"))
        for number in range(6):
            cls.see(stack.login(email, cls.tried["wrong password"], client_ip="192.0.2.3"))
        body = {"email": email, "password": cls.known_password}
        cls.see(stack.api("POST", "/login", body, key=KEY_LIKE))
        cls.see(stack.api("POST", "/login", {**body, cls.known_password: 1}))
        cls.see(stack.api("POST", "/login", {"email": email, "password": [cls.known_password]}))
        cls.see(stack.api("POST", "/login", str(body)))
        cls.see(stack.api("POST", "/login", {**body, "x": "a" * 70_000}))
        cls.see(stack.api("GET", "/login"))
        cls.see(stack.get_contact(stranger))
        cls.see(stack.get_contact(stranger, "refresh=never"))
        cls.see(stack.get_contact(email, f"refresh={percent(stranger)}"))
        cls.see(stack.api("POST", f"/contacts/{percent(stranger)}/tags", {"add": ["1"]}))
        cls.see(stack.http.request("GET", "/membergate/v1/contacts/1?key=" + stack.key))
        cls.see(stack.http.request("GET", f"/some/page?token={stack.key}"))

    @classmethod
    def refused_by_nginx(cls):
        cls.stack.up(limits=("webhooks=1/1", "login=1/1", "pages=1/1"))
        for _ in range(5):
            cls.see(cls.stack.genpass(cls.people[0]))
            cls.see(cls.stack.login(cls.emails[0], cls.known_password))
            cls.see(cls.stack.http.request("GET", f"/membergate/link?t={cls.link_token}"))

    @classmethod
    def daemon_down(cls):
        cls.stack.kill("membergate")
        for _ in range(3):
            cls.see(cls.stack.genpass(cls.people[0]))
            cls.see(cls.stack.event(cls.people[0]))
            cls.see(cls.stack.login(cls.emails[0], cls.known_password))
            cls.see(cls.stack.get_contact(cls.emails[0]))
            cls.form(f"/membergate/link?t={cls.link_token}", f"t={cls.link_token}")
        cls.stack.up()

    # --- what must not have happened -------------------------------------------------------

    def secrets(self):
        secrets = {
            "code": self.stack.code,
            "API key": self.stack.key,
            "ActiveCampaign's key": (self.stack.dir / "acsim/token").read_text().strip(),
            "known password": self.known_password,
            "default password": self.default_pass,
            "link's token": self.link_token,
            "chosen password": self.chosen,
            **self.csrf,
            **self.tried,
        }
        for number, session in enumerate(self.sessions):
            secrets[f"session {number}"] = session
        for one in self.people:
            for password in passwords(self.stack.acsim.contact(one["id"])):
                secrets[f"password of {one['id']}"] = password
        return secrets

    def test_the_calls_met_every_kind_of_answer(self):
        every = {200, 303, 400, 401, 403, 404, 405, 413, 415, 422, 429, 502}
        self.assertLessEqual(every, self.statuses)
        self.assertEqual(len(self.sessions), 3)

    def test_no_file_holds_a_code_a_key_a_password_a_token_or_a_session(self):
        self.assertEqual(leaks(self.secrets(), self.stack.files()), [])

    def test_no_log_holds_an_email(self):
        emails = {email: email for email in self.emails}
        logs = [(name, content) for name, content in self.stack.files() if name.endswith(".log")]
        self.assertGreaterEqual(len(logs), 3)
        self.assertEqual(leaks(emails, logs), [])

    def test_the_logs_were_written_all_the_same(self):
        log = dict(self.stack.files())["nginx/log/membergate-access.earlier.log"].decode()
        self.assertIn("/membergate/hooks/genpass 200", log)
        self.assertIn("/membergate/v1/contacts/*** 200", log)

    def test_the_process_list_shows_no_secret(self):
        for name in ("membergate", "nginx"):
            process = pathlib.Path(f"/proc/{self.stack.pid(name)}")
            kinds = ("cmdline", "environ")
            shown = [(f"{name} {kind}", (process / kind).read_bytes()) for kind in kinds]
            self.assertEqual(leaks(self.secrets(), shown), [])

    def test_secret_files_are_for_their_owner_only(self):
        for name in ("env", "master.key", "membergate.db", "membergate.conf"):
            mode = (self.stack.dir / name).stat().st_mode & 0o777
            self.assertEqual(mode & 0o007, 0, f"{name}: {mode:o}")

    def test_answers_show_no_secret(self):
        for target in (f"/?mbr_genpass={CODE_LIKE}", f"/membergate/hooks/events?code={CODE_LIKE}"):
            answer = self.stack.post_form(target, automation_body(self.people[0]))
            self.assertNotIn(CODE_LIKE.encode(), answer.body)


if __name__ == "__main__":
    main()
