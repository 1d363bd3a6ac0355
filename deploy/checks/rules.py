"""deploy/prometheus: the scrape configuration and the alerts."""

import re

import promql
from files import read, read_yaml, run, tool


def alerts():
    return [rule for group in read_yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]]


def check_config():
    """Prometheus takes its configuration"""
    run(tool("PROMTOOL"), "check", "config", "deploy/prometheus/prometheus.yml")


def check_texts():
    """every alert says what is, why, and what to do"""
    for alert in alerts():
        assert set(alert["annotations"]) == {"summary", "cause", "action"}, alert["alert"]
        assert all(text.strip().endswith(".") for text in alert["annotations"].values()), alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket"), alert["alert"]


def check_metrics():
    """every alert asks for what the running program exposes"""
    found = {alert["alert"]: list(promql.problems(alert["expr"])) for alert in alerts()}
    assert not any(found.values()), {name: what for name, what in found.items() if what}


def check_seen():
    """every alert is seen to fire and to stay silent in a test"""
    tests = read_yaml("prometheus/tests/alerts.yml")["tests"]
    fired, silent = set(), set()
    for test in tests:
        samples = [sample["labels"] for look in test.get("promql_expr_test", []) for sample in look["exp_samples"]]
        fired |= {name for labels in samples for name in re.findall(r'alertname="(\w+)"', labels)}
        silent |= set(re.findall(r"^(\w+) is silent", test["name"])) if not samples else set()
    names = {alert["alert"] for alert in alerts()}
    assert fired == names, fired ^ names
    assert silent == names, silent ^ names


def check_handbook():
    """the handbook has a line for every alert"""
    missing = [alert["alert"] for alert in alerts() if alert["alert"] not in read("README.md")]
    assert not missing, missing
