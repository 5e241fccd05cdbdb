"""A client of Sallyport's service API. Standard library only; Python 3.8 or newer."""

import json
import urllib.error
import urllib.parse
import urllib.request


class SallyportError(Exception):
    """Sallyport said no: `code` is one of its documented problem codes."""

    def __init__(self, status, problem, retry_after=None):
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")
        self.attempts_left = problem.get("attempts_left")
        self.retry_after = retry_after


class Sallyport:
    def __init__(self, url, key, timeout=10):
        self._url, self._key, self._timeout = url.rstrip("/"), key, timeout

    def enroll(self, subject, account_name=None):
        """The secret, its QR code, and backup codes; all pending until `confirm`."""
        body = {"subject": subject}
        if account_name is not None:
            body["account_name"] = account_name
        return self._call("POST", "enroll", body)

    def confirm(self, subject, code):
        return self._call("POST", "verify-enrollment", {"subject": subject, "code": code})

    def verify(self, subject, code, client_ip=None):
        """The method that matched; None for a wrong code. A locked subject raises."""
        body = {"subject": subject, "code": code}
        if client_ip is not None:
            body["client_ip"] = client_ip
        try:
            return self._call("POST", "verify", body)["method"]
        except SallyportError as error:
            if error.code == "invalid_code":
                return None
            raise

    def disable(self, subject, code):
        return self._call("POST", "disable", {"subject": subject, "code": code})

    def status(self, subject):
        return self._call("GET", "status/" + urllib.parse.quote(subject, safe=""))

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self._url}/api/mfa/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            retry_after = error.headers.get("retry-after")
            raise SallyportError(error.code, json.load(error), retry_after and int(retry_after)) from None
