# SPDX-License-Identifier: Apache-2.0
"""What no manifest says and the suite has to know of each simulator: what it calls the records of a stream, how many
make several pages, and where they are listed. A provider that is added gets an entry here, and no test of its own."""

import collections.abc
import json
from dataclasses import dataclass, field

from provider import Browser


@dataclass(frozen=True)
class Listed:
    entity: str  # what the simulator's control port calls it
    option: str  # how many there are at the start
    count: int   # more than a page
    path: str    # part of the path of the lists that the plugin reads


@dataclass(frozen=True)
class Simulated:
    streams: dict  # stream of the manifest -> Listed
    options: tuple = ()
    webhook_life: tuple | None = None  # knobs that say for how many seconds a webhook is registered, where it has an end
    seldom: dict = field(default_factory=dict)  # stream -> fields that no record has by itself, for one of them
    limits: dict = field(default_factory=dict)  # what a contract lets through, where the manifest's figure is slow for tests
    bad_codes: tuple = ()  # knobs, each for other words in which it may refuse a code
    hinted_only: dict = field(default_factory=dict)  # stream -> orders of changes that nothing but a webhook tells of
    rotates: bool = True  # a renewal replaces the refresh token, where the manifest leaves that open
    dead_tokens: tuple = ()  # knobs, each for another form in which it may say that an access token is over
    use: str = ""         # where there are no streams: an address that the access token opens
    account: str = ""     # what the probe calls the account, where it is not told the account's name
    enter_webhooks: collections.abc.Callable | None = None  # where a person registers the address: does it

    def sizes(self, counts):
        return [word for name, listed in self.streams.items()
                for word in (listed.option, counts.get(name, listed.count))]



def enter_at_teamleader(sim, client, address):
    """With a client of its own, as a person with a tool for it would."""
    types = [f"{entity}.{event}" for entity in ("company", "contact") for event in ("added", "updated", "deleted")]
    types += ["contact.linkedToCompany", "contact.unlinkedFromCompany", "contact.updatedLinkToCompany"]
    status, _, text = Browser(sim.routes).exchange(
        "POST", "https://api.focus.teamleader.eu/webhooks.register",
        json.dumps({"url": address, "types": types}),
        {"Authorization": "Bearer " + sim.auditors_token(client["account"]), "Content-Type": "application/json"})
    if status != 204:
        raise RuntimeError(f"webhooks.register: {status} {text[:300]!r}")


# What a contact is to which company: no list shows it, and no time of change tells of it.
TEAMLEADER_LINKS = {"contacts": tuple(("/links/change", {"what": what, "count": 2})
                                      for what in ("linked", "unlinked", "changed"))}

SIMULATED = {
    "cardfile": Simulated({"people": Listed("person", "--people", 230, "/v2/people")}, ("--rate-limit", 100000)),
    "focus": Simulated({"companies": Listed("company", "--companies", 230, "/companies.list"),
                        "contacts": Listed("contact", "--contacts", 330, "/contacts.list")},
                       ("--rate-limit", 100000), account="gebruiker1@acme.example",
                       enter_webhooks=enter_at_teamleader, hinted_only=TEAMLEADER_LINKS),
    # Google's half: it reads nothing on its own, and its refresh tokens live on.
    "generic": Simulated({}, rotates=False, use="https://openidconnect.googleapis.com/v1/userinfo"),
    "snelstart": Simulated({"relaties": Listed("company", "--companies", 900, "/v2/relaties")},
                           ("--minute-limit", 100000, "--hour-limit", 100000)),
    "teamleader": Simulated({"companies": Listed("company", "--companies", 230, "/companies.list"),
                             "contacts": Listed("contact", "--contacts", 330, "/contacts.list")},
                            ("--rate-limit", 100000), hinted_only=TEAMLEADER_LINKS,
                            bad_codes=({"code_error": "invalid_request"},
                                       {"code_error": "invalid_request", "plain_code_errors": True})),
    "workfront": Simulated({"companies": Listed("company", "--companies", 620, "/cmpy/search"),
                            "projects": Listed("project", "--projects", 560, "/proj/search"),
                            "users": Listed("user", "--users", 540, "/user/search")},
                           limits={"gentle": 200},
                           dead_tokens=({"session_error_status": 200}, {"session_error_status": 403}),
                           seldom={"projects": {"URL": "https://werf.example/12",
                                                "parameterValues": {"DE:Fase": "Ruwbouw"}},
                                   "users": {"parameterValues": {"DE:Ploeg": "Noord"}}}),
    "zoho": Simulated({"accounts": Listed("account", "--accounts", 430, "/crm/v8/Accounts"),
                       "contacts": Listed("contact", "--contacts", 620, "/crm/v8/Contacts"),
                       "users": Listed("user", "--users", 230, "/crm/v8/users")},
                      seldom={"accounts": {"Parent_Account": {"id": "4876876000000333001", "name": "Groep NV"}},
                              "contacts": {"Secondary_Email": "an@thuis.example", "Home_Phone": "011 12 34 56",
                                           "Other_Phone": "012 34 56 78", "Fax": "013 45 67 89"},
                              "users": {"website": "https://an.example", "mobile": "0470 12 34 56",
                                        "fax": "013 45 67 89"}},
                      webhook_life=("channel_life_seconds", "longest_channel_life_seconds")),
}
