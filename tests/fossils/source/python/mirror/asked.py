"""What this connector asks of its marketplace, and what comes of it: every method, and every way to fail."""

from componentize_py_types import Err, Ok
from wit_world.imports import http


def request(method, url, credential=None, body=None):
    return http.Request(
        method=http.Method[method],
        url=url,
        headers=[http.Header("x-mirror", "amber")],
        body=None if body is None else body.encode(),
        credential=credential,
        writes=body is not None,
    )


def answered(response):
    header = next((h.value for h in response.headers if h.name == "x-echo"), "-")
    return f"{response.status} {header} {response.body.decode()}"


def failed(error):
    match error:
        case http.Error_Forbidden():
            return "forbidden"
        case http.Error_Auth():
            return "auth"
        case http.Error_Unavailable():
            return "unavailable"
        case http.Error_OutcomeUnknown():
            return "outcome-unknown"
        case http.Error_TooLarge(limit):
            return f"too-large {limit}"
        case http.Error_Throttled(ms):
            return "throttled true" if ms > 0 else "throttled false"


def sent(request):
    try:
        return answered(http.send(request))
    except Err as error:
        return failed(error.value)


def each():
    """One after the other."""
    requests = [
        request("POST", "/post?q=1", "api", "Zoë €"),
        request("GET", "/rare/1"),
        request("GET", "https://elsewhere.example/"),
    ]
    return [sent(one) for one in requests]


def together():
    """All at once."""
    requests = [
        request("GET", "/get"),
        request("PUT", "/put", "api", "put"),
        request("PATCH", "/patch", "api", "patch"),
        request("DELETE", "/delete", "api", ""),
        request("GET", "https://elsewhere.example/"),
        request("GET", "/get", "oauth"),
        request("GET", "/cut"),
        request("POST", "/cut", None, "cut"),
        request("GET", "/big"),
        request("GET", "/rare/2"),
    ]
    results = http.send_all(requests)
    return [answered(r.value) if isinstance(r, Ok) else failed(r.value) for r in results]
