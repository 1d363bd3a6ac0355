"""The program itself, beside a simulated GitHub: what it counts, and which variables and flags it knows."""

import base64
import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

KEY = secrets.token_hex(24)
BIN = os.environ["LOCKSTEP_BIN"]
# Series as /metrics tells them: name, labels.
SERIES = []
# Where the program and the simulated GitHub listen.
BASE = {}
NOTIFY_SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


opener = urllib.request.build_opener(Unfollowed)


def call(method, url, body=None, **headers):
    """(status, headers, text); follows nothing."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    if data is not None:
        request.add_header("content-type", "application/json")
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


def until(what, holds):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if holds():
                return
        time.sleep(0.05)
    raise SystemExit(f"{what} did not happen")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


NOTIFY_PORT = free_port()


def fresh_database():
    url = urllib.parse.urlsplit(os.environ["LOCKSTEP_TEST_DATABASE_URL"])
    name = f"deploy_{os.getpid()}"
    return url._replace(path=f"/{name}").geturl(), lambda command: subprocess.run(
        ["psql", "-q", "-d", url.geturl(), "-c", f"{command} DATABASE {name}"], check=True
    )


@contextlib.contextmanager
def process(*command, **options):
    with subprocess.Popen(command, **options) as running:
        try:
            yield running
        finally:
            running.terminate()
            running.wait(30)


@contextlib.contextmanager
def running():
    """For as long as the checks run; SERIES holds what it counted after a first sync."""
    database, psql = fresh_database()
    psql("CREATE")
    try:
        with tempfile.TemporaryDirectory() as folder:
            sim = process(os.environ["SIM_BIN"], "--data", folder, "--default-user", "ada", stdout=subprocess.PIPE)
            with sim as github, serve(json.loads(github.stdout.readline()), database, folder):
                yield
    finally:
        psql("DROP")


@contextlib.contextmanager
def serve(github, database, folder):
    sim, public, internal = github["url"], free_port(), free_port()
    variables = {
        "DATABASE_URL": database,
        "REDIS_URL": os.environ["LOCKSTEP_TEST_REDIS_URL"],
        "REDIS_PREFIX": f"deploy-{os.getpid()}",
        "API_KEYS": KEY,
        "ENCRYPTION_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        "LISTEN": f"127.0.0.1:{public}",
        "INTERNAL_LISTEN": f"127.0.0.1:{internal}",
        "GITHUB_API_URL": sim,
        "GITHUB_WEB_URL": sim,
        "GITHUB_APP_ID": str(github["app_id"]),
        "GITHUB_APP_SLUG": github["app_slug"],
        "GITHUB_APP_PRIVATE_KEY_FILE": github["private_key_path"],
        "GITHUB_CLIENT_ID": github["client_id"],
        "GITHUB_CLIENT_SECRET": github["client_secret"],
        "GITHUB_WEBHOOK_SECRET": github["webhook_secret"],
        "NOTIFY_URL": f"http://127.0.0.1:{NOTIFY_PORT}/lockstep",
        "NOTIFY_SECRET": NOTIFY_SECRET,
        "RETRY_SECONDS": "0.2",
    }
    env = os.environ | {f"LOCKSTEP_{name}": value for name, value in variables.items()}
    with open(f"{folder}/log", "w+") as log, process(BIN, "serve", env=env, stderr=log):
        base = f"http://127.0.0.1:{internal}"
        BASE.update(internal=base, github=sim)
        until("readiness", lambda: call("GET", f"{base}/readyz")[0] == 200)
        assert subprocess.run([BIN, "health"], env=env).returncode == 0, "health, while it runs"
        first_sync(sim, base, public)
        SERIES.extend(parse(call("GET", f"{base}/metrics")[2]))
        yield


def first_sync(sim, base, public):
    """A project is connected and pushed; somebody forges a webhook."""
    call("POST", f"{sim}/_sim/users", {"login": "ada", "name": "Ada"})
    call("POST", f"{sim}/_sim/orgs", {"login": "acme", "members": {"ada": "admin"}})
    installation = json.loads(call("POST", f"{sim}/_sim/installations", {"account": "acme"})[2])["id"]
    for name in ("acme/site", "acme/handbook"):
        call("POST", f"{sim}/_sim/repos", {"name": name})
    hook = f"http://127.0.0.1:{public}/webhooks/github"
    call("POST", f"{sim}/_sim/hook", {"url": hook})
    key = {"authorization": f"Bearer {KEY}"}
    project = f"{base}/v1/projects/site"
    change = {"event_id": "1", "changes": [{"op": "put", "path": "a", "content": "a"}]}
    assert call("POST", f"{project}/changes", change, **key)[0] == 202
    authorize(json.loads(call("POST", f"{project}/connect", {"user": "ada"}, **key)[2])["authorize_url"])
    asked = {"user": "ada", "installation_id": installation, "repository": "acme/site"}
    status, _, text = call("PUT", f"{project}/integration", asked, **key)
    assert status == 201, text
    done = lambda: json.loads(call("GET", f"{project}/integration", **key)[2])["sync_status"] == "success"
    until("the first sync", done)
    assert call("POST", hook, {}, **{"x-github-event": "push", "x-hub-signature-256": "sha256=0"})[0] == 401


def authorize(url):
    """What Ada's browser does with an authorize_url."""
    headers = call("GET", url)[1]
    page = {"url": headers["location"], "login": "ada"}
    back = json.loads(call("POST", f"{BASE['github']}/_sim/authorize", page)[2])["location"]
    status, _, text = call("GET", back, cookie=headers["set-cookie"].split(";")[0])
    assert status in (200, 303), text


def push(repository, files):
    """Somebody commits on GitHub."""
    body = {"branch": "main", "by": "ada", "changes": [{"op": "put", "path": path, "content": text} for path, text in files.items()]}
    status, _, text = call("POST", f"{BASE['github']}/_sim/repos/{repository}/push", body)
    assert status < 300, text


def parse(text):
    """(name, labels) of every sample in Prometheus' text format."""
    for line in text.splitlines():
        found = re.match(r"([a-z_]+)(?:\{(.*)\})? (\S+)$", line)
        if found:
            yield found[1], dict(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', found[2] or ""))


def help_of(*command):
    return subprocess.run([BIN, *command, "--help"], check=True, capture_output=True, text=True).stdout


def variables():
    """Every LOCKSTEP_… that `serve` knows."""
    return set(re.findall(r"\[env: (LOCKSTEP_[A-Z_]+)\]", help_of("serve")))
