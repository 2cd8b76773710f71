"""The people the bench is about, as ActiveCampaign knows and sends them."""

import random
import urllib.parse

TAGS = ["Member", "Gold", "Newsletter", "Course: Bread, cakes", "Trial ended"]
WORDS = """amber basil cedar delta ember fable grove hazel inlet jolly kayak lemon maple noble
olive pearl quartz river sable thyme umber vivid willow yarrow zephyr straße niño""".split()
FIELDS = """PLAN CITY COMPANY RENEWAL COURSE SOURCE COUNTRY LEVEL COACH LANGUAGE REFERRER
NOTE""".split()
VARIANTS = 8  # of the body of each contact: one field differs


def words(chance, count):
    return " ".join(chance.choice(WORDS) for _ in range(count))


def member(number, prefix, fields=12):
    """A contact; always the same for the same arguments."""
    chance = random.Random(f"{prefix} {number}")
    names = FIELDS[:fields] + [f"ANSWER_{n:02}" for n in range(fields - len(FIELDS))]
    return {
        "email": f"{prefix}-{number:05}@example.com",
        "first_name": chance.choice(WORDS).title(),
        "last_name": chance.choice(WORDS).title() + "son",
        "phone": f"+1 555 {number:07}",
        "tags": TAGS[: 1 + number % len(TAGS)],
        "fields": {name: words(chance, 4) for name in names},
    }


def with_password(contact):
    fields = {**contact["fields"], "PASSWORD": f"pass-{contact['email']}"}
    return {**contact, "fields": fields}


def variant(contact, number):
    return {**contact, "fields": {**contact["fields"], "NOTE": f"changed {number} times so far"}}


def automation_body(contact):
    """What an automation's webhook says of a contact with its `id`: about 1 KB."""
    rows = [
        ("seriesid", "1"),
        ("contact[id]", contact["id"]),
        ("contact[email]", contact["email"]),
        ("contact[first_name]", contact["first_name"]),
        ("contact[last_name]", contact["last_name"]),
        ("contact[phone]", contact["phone"]),
        ("contact[orgname]", ""),
        ("contact[tags]", ", ".join(contact["tags"])),
        ("contact[ip4]", "203.0.113.9"),
    ]
    for name, value in contact["fields"].items():
        if name != "PASSWORD":
            rows.append((f"contact[fields][{name.lower()}]", value))
    return urllib.parse.urlencode(rows)


def bodies(contacts):
    """Each contact's body, then each with a field changed, and so on: a contact comes again only
    after all others, and every delivery changes something."""
    return [
        automation_body(variant(contact, number))
        for number in range(VARIANTS)
        for contact in contacts
    ]
