# SPDX-License-Identifier: Apache-2.0
"""Pro+ against the provider, record by record. The mapping is written here (Teamleader's) and in expected.py a second
time, on purpose: from the provider's manual to Pro+'s columns, knowing nothing of the plugin."""

import datetime
import json

from expected import EXPECTED


def _emails(raw):
    return [{"type": e["type"], "email": e["email"]} for e in raw.get("emails", [])]


def _phones(raw):
    return [{"type": t["type"], "number": t["number"]} for t in raw.get("telephones", [])]


def _primary_address(raw):
    for entry in raw.get("addresses", []):
        if entry["type"] == "primary":
            return entry["address"]
    return None


def _common(raw):
    # Tags are a set: their order at the provider means nothing, and Koppel publishes them sorted.
    return {"status": raw["status"], "emails": _emails(raw), "phones": _phones(raw), "website": raw["website"],
            "iban": raw["iban"], "bic": raw["bic"], "language": raw["language"], "tags": sorted(raw["tags"]),
            "url": raw["web_url"]}


def expected_company(raw):
    return {**_common(raw), "name": raw["name"], "vat_number": raw["vat_number"],
            "registration_number": raw["national_identification_number"], "currency": raw["preferred_currency"]}


def expected_contact(raw):
    return {**_common(raw), "first_name": raw["first_name"], "last_name": raw["last_name"],
            "salutation": raw["salutation"], "gender": raw["gender"], "birthdate": raw["birthdate"]}


def expected_department(raw):
    return {"name": raw["name"], "status": raw["status"], "vat_number": raw["vat_number"], "currency": raw["currency"],
            "emails": _emails(raw)}


LISTS = {"emails", "phones", "tags", "addresses"}


def _stored(row, field):
    value = row[field]
    return json.loads(value) if field in LISTS and value is not None else value


def _active(status):
    return "active" if status == "active" else "inactive"


def _same(field, expected, stored):
    if field == "status":
        return stored == _active(expected)
    if field in LISTS:
        return (stored or []) == (expected or [])
    return stored == expected


def _same_address(raw, row):
    stored = [a for a in json.loads(row["addresses"] or "[]") if a.get("type") == "primary"]
    wanted = _primary_address(raw)
    if wanted is None:
        return not stored
    return len(stored) == 1 and all(stored[0].get(f) == wanted[f] for f in ("line_1", "postal_code", "city", "country"))


def compare(provider_rows, proplus_rows, expected):
    """Counts of missing, extra and different records, and one example of each."""
    wanted = {raw["id"]: raw for raw in provider_rows}
    stored = {row["id"]: row for row in proplus_rows}
    missing, extra, different = [], [], []
    for identifier, raw in wanted.items():
        row = stored.get(identifier)
        if row is None:
            missing.append(identifier)
            continue
        wrong = [f for f, value in expected(raw).items() if not _same(f, value, _stored(row, f))]
        if "addresses" in raw and not _same_address(raw, row):  # a list of departments says nothing of theirs
            wrong.append("addresses")
        if wrong:
            different.append((identifier, wrong[0], expected(raw).get(wrong[0]), row[wrong[0]]))
    extra = [identifier for identifier in stored if identifier not in wanted]
    return missing, extra, different


def _stored_simply(row, field):
    """As expected.py writes it."""
    value = row[field]
    if value is None:
        return {} if field == "custom_fields" else [] if field in ("emails", "phones", "tags", "companies") else None
    if field in ("emails", "phones", "companies"):
        return sorted(next(e[k] for k in ("email", "number", "id") if k in e) for e in json.loads(value))
    if field == "custom_fields":
        return {f["id"]: f.get("value") for f in json.loads(value)}
    if field == "tags":
        return json.loads(value)
    return datetime.datetime.fromisoformat(value) if field == "created_at" else value


def compare_other(provider, sim, proplus, connection):
    """The same for the providers of expected.py."""
    totals = {"missing": 0, "extra": 0, "different": 0}
    counts, held, examples = {}, {}, []
    for entity, table, expected in EXPECTED[provider]:
        raw = {r.get("id") or r["ID"]: r for r in sim.records(entity)}
        rows = {r["id"]: r for r in proplus.execute(
            f"select {table}.* from {table} join connection using (connection_id) "
            "where provider = ?1 and connection.name = ?2", (provider, connection))}
        counts[table], held[table] = len(raw), len(rows)
        found = {"missing": [i for i in raw if i not in rows], "extra": [i for i in rows if i not in raw],
                 "different": [(i, f, value, _stored_simply(rows[i], f)) for i in raw if i in rows
                               for f, value in expected(raw[i]).items() if _stored_simply(rows[i], f) != value]}
        found["different"] = list({one[0]: one for one in found["different"]}.values())
        for kind, those in found.items():
            totals[kind] += len(those)
            examples += [f"{provider} {table} {kind}: {example}" for example in those[:2]]
    return counts, held, totals, examples


def compare_all(sim, proplus, connection=None):
    """Teamleader's entities; `proplus` is an open database. Returns counts and the examples worth printing. Where Pro+
    has more connections of it than one, `connection` names the one to look at."""
    totals = {"missing": 0, "extra": 0, "different": 0}
    provider, counts, examples = {}, {}, []
    account = sim.client()["account"]
    if connection:
        row = proplus.execute("select account_id, account_name from connection "
                              "where provider = 'teamleader' and name = ?1", (connection,)).fetchone()
        account = {"id": row["account_id"], "name": row["account_name"]}
    for entity, raw, expected in (("company", sim.records("company"), expected_company),
                                  ("contact", sim.records("contact"), expected_contact),
                                  ("department", sim.departments(account), expected_department)):
        rows = proplus.execute(f"select {entity}.* from {entity} join connection using (connection_id) "
                               "where provider = 'teamleader' and (?1 is null or connection.name = ?1)",
                               (connection,)).fetchall()
        provider[entity], counts[entity] = len(raw), len(rows)
        for kind, found in zip(totals, compare(raw, rows, expected)):
            totals[kind] += len(found)
            examples += [f"{entity} {kind}: {example}" for example in found[:2]]
    return provider, counts, totals, examples
