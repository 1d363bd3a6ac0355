"""deploy/grafana: the dashboard and what provisions it."""

import itertools
import re

import promql
from files import DEPLOY, read_json, read_yaml
from program import SERIES

DASHBOARD = "grafana/dashboards/lockstep.json"


def panels():
    return read_json(DASHBOARD)["panels"]


def targets():
    return [target for panel in panels() for target in panel.get("targets", [])]


def check_layout():
    """the dashboard's panels have their own ids and places"""
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels()], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or below, (one, other)
        assert one["x"] + one["w"] <= 24


def check_queries():
    """every query of the dashboard asks for what the running program exposes"""
    found = {target["expr"]: list(promql.problems(target["expr"])) for target in targets()}
    assert not any(found.values()), {query: what for query, what in found.items() if what}


def check_legends():
    """every legend names labels that its query leaves"""
    for target in targets():
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            assert label in promql.labels_of(target["expr"]), target
            assert "by (" not in target["expr"] or re.search(rf"by \([^)]*\b{label}\b", target["expr"]), target


def check_answers():
    """Prometheus' engine answers every query of the dashboard from the program's series"""
    found = promql.empty([target["expr"] for target in targets()])
    assert not found, found


def check_complete():
    """every metric of the program is on the dashboard"""
    shown = {name for target in targets() for name in promql.names(target["expr"])}
    base = lambda name: re.sub(r"_(bucket|sum|count)$", "", name)
    unseen = {base(name) for name, _ in SERIES if name.startswith("lockstep_")} - {base(name) for name in shown}
    assert not unseen, unseen


def check_provisioning():
    """Grafana finds its data source and the dashboard where compose puts them"""
    [source] = read_yaml("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    [provider] = read_yaml("grafana/provisioning/dashboards/lockstep.yaml")["providers"]
    compose = read_yaml("compose.yaml")
    assert source["url"] == "http://prometheus:9090" and "prometheus" in compose["services"]
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    [variable] = read_json(DASHBOARD)["templating"]["list"]
    assert variable["type"] == "datasource" and variable["query"] == source["type"]
    assert all(target["datasource"]["uid"] == "${datasource}" for target in targets())
    assert (DEPLOY / DASHBOARD).exists()
