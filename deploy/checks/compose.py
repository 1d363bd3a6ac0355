"""deploy/compose.yaml and deploy/secrets."""

import json
import pathlib
import re
import shutil
import tempfile

import jsonschema

import program
from files import DEPLOY, ROOT, read_yaml, run, tool


def compose():
    return read_yaml("compose.yaml")


def check_schema():
    """compose.yaml holds to the Compose specification"""
    jsonschema.validate(compose(), json.loads(pathlib.Path(tool("COMPOSE_SCHEMA")).read_text()))


def check_references():
    """networks, volumes, secrets and services that are named are there"""
    all_of = compose()
    for name, service in all_of["services"].items():
        assert set(service.get("networks", [])) <= set(all_of["networks"]), name
        assert set(service.get("secrets", [])) <= set(all_of["secrets"]), name
        assert set(service.get("depends_on", [])) <= set(all_of["services"]), name
        for source in (volume.split(":")[0] for volume in service.get("volumes", [])):
            assert source in all_of["volumes"] or (DEPLOY / source).exists(), (name, source)
        for needed, how in dict(service["depends_on"]).items() if isinstance(service.get("depends_on"), dict) else ():
            assert how["condition"] != "service_healthy" or "healthcheck" in all_of["services"][needed], needed
    build = all_of["services"]["lockstep"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT and (ROOT / build["dockerfile"]).exists()


def check_variables():
    """the program knows every variable that compose sets, and compose passes on every one there is"""
    passed = set(compose()["services"]["lockstep"]["environment"])
    assert not passed - program.variables(), passed - program.variables()
    # Where it listens is the image's.
    own = {"LOCKSTEP_LISTEN", "LOCKSTEP_INTERNAL_LISTEN"}
    missing = {name.removesuffix("_FILE") for name in program.variables()} - {name.removesuffix("_FILE") for name in passed} - own
    assert not missing, missing


def check_exposure():
    """nothing is published beyond loopback, and nothing secret stands in the file"""
    for name, service in compose()["services"].items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), (name, port)
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|KEY|DATABASE_URL|REDIS_URL", variable):
                assert value.startswith("/run/secrets/"), (name, variable)


def check_redis():
    """Redis keeps everything until it is read"""
    command = " ".join(compose()["services"]["redis"]["command"])
    assert "noeviction" in command and "--appendonly yes" in command


def check_secrets():
    """deploy/secrets makes every secret that compose names, once, and the program takes them"""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(DEPLOY / "secrets", folder)
        run(f"{folder}/secrets")
        made = {path.name: path.read_text() for path in pathlib.Path(folder, ".secrets").iterdir()}
        run(f"{folder}/secrets")
        assert made == {path.name: path.read_text() for path in pathlib.Path(folder, ".secrets").iterdir()}
        assert pathlib.Path(folder, ".secrets").stat().st_mode & 0o077 == 0
        named = {pathlib.Path(secret["file"]).name for secret in compose()["secrets"].values()}
        assert named == set(made), named ^ set(made)
        # Those that are for the operator to fill are empty, which is as good as not set.
        flags = [f"--{name.replace('_', '-')}-file={folder}/.secrets/{name}"
                 for name in sorted(named) if f"LOCKSTEP_{name.upper()}_FILE" in program.variables()]
        # The names of its services lead nowhere here; a configuration that is wrong would be told first.
        told = program.subprocess.run([program.BIN, "doctor", *flags], capture_output=True, text=True).stdout
        assert "ok config" in told and "FAIL postgres" in told, told
