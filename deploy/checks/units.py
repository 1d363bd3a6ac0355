"""deploy/systemd: the units, as systemd reads them."""

import pathlib
import re
import tempfile

import program
from files import read, run

UNITS = {"lockstep.service": "lockstep.service", "lockstep-worker@.service": "lockstep-worker@1.service"}


def check_verify():
    """systemd takes the units, and finds little that they could harm"""
    with tempfile.TemporaryDirectory() as folder:
        for file, name in UNITS.items():
            # The program is not installed here.
            unit = read(f"systemd/{file}").replace("/usr/local/bin/lockstep", program.BIN)
            path = pathlib.Path(folder, name)
            path.write_text(unit)
            run("systemd-analyze", "verify", str(path))
            run("systemd-analyze", "security", "--offline=true", "--threshold=20", str(path))


def check_commands():
    """the program knows the commands, flags and variables of the units"""
    for file in UNITS:
        text = read(f"systemd/{file}")
        command, *words = re.search(r"^ExecStart=/usr/local/bin/lockstep (.*)$", text, re.M)[1].split()
        assert all(word in program.help_of(command) for word in words if word.startswith("--")), words
        assert set(re.findall(r"^Environment=(\w+)=", text, re.M)) <= program.variables()


def check_credentials():
    """every secret is loaded for the variable that reads it"""
    for file in UNITS:
        text = read(f"systemd/{file}")
        loaded = set(re.findall(r"^LoadCredential=(\w+):/etc/lockstep/\1$", text, re.M))
        assert loaded == set(re.findall(r"^Environment=LOCKSTEP_\w+_FILE=%d/(\w+)$", text, re.M)) and loaded


def check_stop():
    """systemd waits longer than the program takes to stop, and leaves a wrong configuration alone"""
    for file in UNITS:
        text = read(f"systemd/{file}")
        assert int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)[1]) > 20
        assert "RestartPreventExitStatus=2" in text
