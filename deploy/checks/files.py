"""Where things are, and how they are read."""

import json
import os
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def read(path):
    return (DEPLOY / path).read_text()


def read_yaml(path):
    return yaml.safe_load(read(path))


def read_json(path):
    return json.loads(read(path))


def tool(name):
    """A program that deploy/check found."""
    return os.environ[name]


def run(*command, **options):
    """What it printed; its failure is the check's."""
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, **options).stdout


def run_fails(*command):
    """The end and the complaint of a command that must not succeed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode != 0, f"accepted: {' '.join(command)}"
    return done.stderr
