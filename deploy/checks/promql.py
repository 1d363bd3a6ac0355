"""What queries ask of the program's metrics: names, labels, and values of labels."""

import re
import subprocess
import tempfile

import yaml

from files import tool
from program import SERIES

# Labels that Prometheus adds.
OUTSIDE = {"instance", "job"}


def names(query):
    return set(re.findall(r"\blockstep_[a-z_]+", query))


def problems(query):
    """Metrics, labels and values that no series of the running program has."""
    for name in names(query):
        if not any(name == known for known, _ in SERIES):
            yield f"there is no {name}"
    for name, braces in re.findall(r"\b(lockstep_[a-z_]+)\{([^}]*)\}", query):
        wanted = re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"', braces)
        if not any(known == name and all(fits(labels, *one) for one in wanted) for known, labels in SERIES):
            yield f"no series is {name}{{{braces}}}"
    known = labels_of(query)
    for clause in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", query):
        for label in filter(None, re.split(r"[\s,]+", clause)):
            if label not in known:
                yield f"no metric of it has the label {label}"


def labels_of(query):
    return OUTSIDE | {label for name, labels in SERIES if name in names(query) for label in labels}


def fits(labels, label, operator, value):
    if label in OUTSIDE:
        return True
    if label not in labels:
        return False
    held = re.fullmatch(value, labels[label]) if "~" in operator else labels[label] == value
    return bool(held) != operator.startswith("!")


def empty(queries):
    """Which of them answer nothing when every series that the program exposes grows. Prometheus' own engine says so."""
    series = [
        {"series": f"{name}{{{','.join(label + '=' + repr(value).replace(chr(39), chr(34)) for label, value in {**labels, 'instance': 'a', 'job': 'lockstep'}.items())}}}",
         "values": "1+1x60"}
        for name, labels in SERIES
    ]
    looks = [
        {"expr": f"count({query.replace('$__rate_interval', '5m')}) > bool 0", "eval_time": "30m",
         "exp_samples": [{"labels": "{}", "value": 1}]}
        for query in queries
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"evaluation_interval": "1m", "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": looks}]}, file)
        file.flush()
        done = subprocess.run([tool("PROMTOOL"), "test", "rules", file.name], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr
