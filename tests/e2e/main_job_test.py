"""The main job at the shipped rate: webhooks in, passwords out, members log in."""

from harness import StackTest, main, wait_for
from leaks import leaks
from simulator import most_in_any_second, passwords

CONTACTS = 40
COPIES = 5
TAG, AUTOMATION = "1", "1"


# Characters that are written differently in URLs, JSON and HTML.
def chosen(number):
    return f'Käs"e & Brot%2B<{number}>/ö?'


class MainJob(StackTest):
    rate = None  # the shipped 4/s

    @classmethod
    def prepare(cls):
        acsim = cls.stack.acsim
        people = []
        for number in range(CONTACTS):
            person = {"email": f"member{number}@example.org", "first_name": f"Ann {number}"}
            if number < 10:
                person["fields"] = {"PASSWORD": chosen(number)}
            people.append(person)
        cls.ids = acsim.add(*people)
        cls.known = {cls.ids[number]: chosen(number) for number in range(10)}
        url = cls.stack.genpass_url(f"tid={TAG}&automation={AUTOMATION}")
        cls.answers = acsim.flood(cls.ids, url, dialect="automation", times=COPIES)
        cls.work_off()
        cls.contacts = acsim.contacts()
        cls.log = acsim.log()

    @classmethod
    def work_off(cls):
        def all_entered():
            contacts = cls.stack.acsim.contacts()
            return all(contacts[i]["automations"] for i in cls.ids)

        wait_for(all_entered, lambda: f"open: {cls.stack.open_jobs()}", timeout=180, every=0.5)
        cls.stack.wait_until_idle(60)

    def test_every_one_of_the_200_webhooks_is_answered_with_200(self):
        self.assertEqual(self.answers, {200: CONTACTS * COPIES})

    def test_every_contact_gets_exactly_one_password(self):
        for i in self.ids:
            self.assertEqual(len(passwords(self.contacts[i])), 1, self.contacts[i])
            self.assertEqual(self.contacts[i]["fields"]["PASSWORD"], passwords(self.contacts[i])[0])

    def test_generated_passwords_are_long_and_differ(self):
        made = [passwords(self.contacts[i])[0] for i in self.ids if i not in self.known]
        self.assertEqual(len(set(made)), CONTACTS - 10)
        self.assertEqual({len(password) for password in made}, {24})

    def test_a_password_that_was_there_is_not_written_again(self):
        for i, password in self.known.items():
            rows = [row for row in self.contacts[i]["history"] if row["field"] == "PASSWORD"]
            self.assertEqual([(row["value"], row["by"]) for row in rows], [(password, "sim")])

    def test_tag_and_automation_come_once_and_after_the_password(self):
        for i in self.ids:
            order = [row["field"] for row in self.contacts[i]["history"]]
            wanted = ["PASSWORD", f"tag:{TAG}", f"automation:{AUTOMATION}"]
            self.assertEqual([field for field in order if field in wanted], wanted)
            self.assertEqual(self.contacts[i]["automations"], [AUTOMATION])

    def test_at_most_five_requests_come_within_any_second(self):
        self.assertLessEqual(most_in_any_second(self.log), 5)
        self.assertEqual([row for row in self.log if row["status"] == 429], [])

    def test_every_member_logs_in(self):
        for i in self.ids:
            contact = self.contacts[i]
            answer = self.stack.login(contact["email"], contact["fields"]["PASSWORD"])
            self.assertEqual(answer.status, 200, f"{contact['email']}: {answer}")
            self.assertEqual(answer.json()["contact"]["id"], i)

    def test_no_file_holds_a_password_the_code_or_the_key(self):
        secrets = {f"password of {i}": passwords(self.contacts[i])[0] for i in self.ids}
        secrets["code"] = self.stack.code
        secrets["API key"] = self.stack.key
        secrets["ActiveCampaign's key"] = (self.stack.dir / "acsim/token").read_text().strip()
        self.assertEqual(leaks(secrets, self.stack.files()), [])


if __name__ == "__main__":
    main()
