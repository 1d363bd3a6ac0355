"""deploy/Dockerfile and what is kept out of its context."""

import re
import subprocess
import tomllib

from files import ROOT, read, run


def arguments():
    return dict(re.findall(r"^ARG (\w+)=(\S+)$", read("Dockerfile"), re.M))


def check_lint():
    """hadolint has nothing to say about the Dockerfile"""
    run("hadolint", "--failure-threshold", "style", "deploy/Dockerfile")


def check_user():
    """the image runs as a user without rights, known by number, with a health check"""
    text = read("Dockerfile")
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.M)
    assert 'CMD ["/usr/local/bin/lockstep", "health"]' in last and "HEALTHCHECK" in last
    assert not re.search(r"^RUN\b", last, re.M), "the last stage has no shell"


def check_bases():
    """base images are arguments with exact tags, and the compiler is new enough"""
    bases = re.findall(r"^FROM (?:--platform=\S+ )?(\S+)", read("Dockerfile"), re.M)
    assert all(base in ("${NODE}", "${RUST}", "${RUNTIME}") for base in bases), bases
    images = [arguments()[name] for name in ("NODE", "RUST", "RUNTIME")]
    assert all(re.search(r":[^:]+$", image) and not image.endswith(":latest") for image in images), images
    needed = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    given = re.search(r":(\d+\.\d+)", arguments()["RUST"])[1]
    version = lambda text: tuple(map(int, text.split(".")))
    assert version(given) >= version(needed), (given, needed)


def check_locked():
    """everything that is fetched is locked"""
    text = read("Dockerfile")
    assert "npm ci" in text and not re.search(r"npm (i|install)\b", text)
    assert all("--locked" in line for line in text.splitlines() if "cargo build" in line)
    for lock in ("Cargo.lock", "src/ui/elements/package-lock.json"):
        assert subprocess.run(["git", "ls-files", "--error-unmatch", lock], cwd=ROOT, capture_output=True).returncode == 0


def check_context():
    """the context leaves out what is built and what is secret, and nothing that is compiled"""
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in (".git", ".dev", "**/target", "**/node_modules", "deploy"):
        assert name in ignored, name
    embedded = run("git", "grep", "-hoE", r'include_(str|bytes|dir)!\("[^"]+"', "--", "src")
    assert ".md" not in embedded and "deploy/" not in embedded, "something left out is embedded"
