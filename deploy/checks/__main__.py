"""Runs every check below deploy/checks and tells how many held.

A check is a function whose name begins with `check_`; its docstring is what it says. It fails by an assertion,
or by a command that does not succeed.
"""

import subprocess
import sys
import traceback

import chart
import compose
import dashboard
import guide
import image
import program
import rules
import units

failed = passed = 0
with program.running():
    for module in (rules, dashboard, image, compose, chart, units, guide):
        for name, check in vars(module).items():
            if not name.startswith("check_"):
                continue
            try:
                check()
            except subprocess.CalledProcessError as error:
                failed += 1
                print(f"FAIL {check.__doc__}\n{error}\n{error.stdout or ''}{error.stderr or ''}")
            except AssertionError as error:
                failed += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                print(f"FAIL {check.__doc__}\n     {error or where.line} ({where.filename}:{where.lineno})")
            else:
                passed += 1
                print(f"ok   {check.__doc__}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
