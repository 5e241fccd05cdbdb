"""Goes through everything the client does, with oathtool as the phone. Usage: check.py URL, with SALLYPORT_KEY set."""

import os
import subprocess
import sys

from sallyport_client import Sallyport, SallyportError


def phone(secret, later=0):
    command = ["oathtool", "--totp", "--base32", "--now", f"{later} seconds", secret]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


client = Sallyport(sys.argv[1], os.environ["SALLYPORT_KEY"])
subject = "Grüße/1001"
assert client.status(subject)["enabled"] is False

enrolment = client.enroll(subject, account_name="reception")
first = phone(enrolment["secret"])
client.confirm(subject, first)
assert client.status(subject)["enabled"] is True

assert client.verify(subject, first) is None, "the code that confirmed is used up"
assert client.verify(subject, phone(enrolment["secret"], later=30), client_ip="2001:db8::7") == "totp"
assert client.verify(subject, enrolment["backup_codes"][0]) == "backup"
assert client.verify(subject, enrolment["backup_codes"][0]) is None

for _ in range(3):
    try:
        client.verify(subject, "000000x")
    except SallyportError as locked:
        assert (locked.status, locked.code) == (429, "locked") and locked.retry_after > 0
try:
    client.disable(subject, enrolment["backup_codes"][1])
except SallyportError as locked:
    assert locked.code == "locked"
else:
    raise AssertionError("a locked subject was let through")

client.enroll("1002")
print("ok")
