# SPDX-License-Identifier: Apache-2.0
"""What Pro+ has to hold of a row of SnelStart, Workfront and Zoho: their documentation read a second time, knowing
nothing of the plugins. Values are those of Pro+'s columns; e-mail addresses and numbers have no types here."""

import datetime


def _filled(values):
    """Of several fields one list, whose order means nothing."""
    return sorted(value for value in values if value)


def _instant(text):
    """ISO 8601, also with Workfront's colon before the milliseconds; to the millisecond, as that is what they tell."""
    if text is None:
        return None
    if text[19:20] == ":":
        text = text[:19] + "." + text[20:]
    return datetime.datetime.fromisoformat(text)


# ---- SnelStart: section 8, relaties

def snelstart_relation(raw):
    return {"name": raw["naam"], "status": "inactive" if raw["nonactief"] else "active",
            "emails": _filled(part.strip() for part in (raw["email"] or "").split(";")),
            "phones": _filled((raw["telefoon"], raw["mobieleTelefoon"], raw["fax"])),
            "website": raw["websiteUrl"], "iban": raw["iban"], "bic": raw["bic"], "remarks": raw["memo"],
            "customer_number": str(raw["relatiecode"]), "vat_number": raw["btwNummer"],
            "registration_number": raw["kvkNummer"],
            "custom_fields": {field["naam"]: field["waarde"] for field in raw["extraVeldenKlant"]}}


# ---- Workfront: section 4, objects

def workfront_company(raw):
    # "Multi-select: always arrays from v21"; v20 tells one choice by itself.
    fields = {name: value[0] if isinstance(value, list) and len(value) == 1 else value
              for name, value in raw["parameterValues"].items()}
    return {"name": raw["name"], "custom_fields": fields, "created_at": _instant(raw["entryDate"])}


def workfront_user(raw):
    return {"name": raw["name"], "first_name": raw["firstName"], "last_name": raw["lastName"],
            "status": "active" if raw["isActive"] else "inactive", "emails": _filled([raw["emailAddr"]]),
            "phones": _filled((raw["phoneNumber"], raw["mobilePhoneNumber"])), "language": raw["locale"][:2]}


def workfront_project(raw):
    return {"name": raw["name"], "state": raw["status"], "remarks": raw["description"], "company_id": raw["companyID"],
            # Complete, dead, rejected; a status that waits for approval (":A") is not that one yet.
            "status": "inactive" if raw["status"] in ("CPL", "DED", "REJ") else "active",
            "code": str(raw["referenceNumber"]), "planned_start": raw["plannedStartDate"][:10],
            "planned_end": raw["plannedCompletionDate"][:10], "percent_complete": raw["percentComplete"]}


# ---- Zoho: section 4, objects. "Long text is cut to 500 characters in list reads".

def _zoho_common(raw):
    return {"tags": sorted({tag["name"] for tag in raw["Tag"]}), "created_at": _instant(raw["Created_Time"]),
            "remarks": raw["Description"][:500] if raw["Description"] else None}


def zoho_account(raw):
    return {**_zoho_common(raw), "name": raw["Account_Name"], "website": raw["Website"],
            "phones": _filled((raw["Phone"], raw["Fax"])),
            "customer_number": None if raw["Account_Number"] == "0" else raw["Account_Number"],
            "parent_id": (raw["Parent_Account"] or {}).get("id")}


def zoho_contact(raw):
    return {**_zoho_common(raw), "name": raw["Full_Name"], "first_name": raw["First_Name"],
            "last_name": raw["Last_Name"], "salutation": raw["Salutation"], "job_title": raw["Title"],
            "department_name": raw["Department"], "birthdate": raw["Date_of_Birth"],
            "emails": _filled((raw["Email"], raw["Secondary_Email"])),
            "phones": _filled((raw["Phone"], raw["Mobile"], raw["Home_Phone"], raw["Other_Phone"], raw["Fax"])),
            "companies": _filled([(raw["Account_Name"] or {}).get("id")])}


def zoho_user(raw):
    return {"name": raw["full_name"], "first_name": raw["first_name"], "last_name": raw["last_name"],
            "status": "active" if raw["status"] == "active" else "inactive", "emails": _filled([raw["email"]]),
            "phones": _filled((raw["phone"], raw["mobile"], raw["fax"]))}


# provider -> [(the simulator's entity, Pro+'s table, what a row has to hold)]
EXPECTED = {
    "snelstart": [("company", "company", snelstart_relation)],
    "workfront": [("company", "company", workfront_company), ("project", "project", workfront_project),
                  ("user", "user", workfront_user)],
    "zoho": [("account", "company", zoho_account), ("contact", "contact", zoho_contact), ("user", "user", zoho_user)],
}
