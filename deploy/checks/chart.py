"""deploy/helm: the chart, as Helm itself renders it."""

import json
import re
import tempfile
import tomllib

import kubernetes_validate
import yaml

import program
from files import DEPLOY, ROOT, read_yaml, run, run_fails, tool

NEEDED = ["--set", "config.PUBLIC_URL=https://sync.example.com"]
EVERYTHING = [
    *NEEDED, "--set",
    "worker.autoscaling.enabled=true,ingress.enabled=true,ingress.host=sync.example.com,ingress.tlsSecret=tls,"
    "ingress.className=nginx,monitoring.podMonitor.enabled=true,monitoring.prometheusRule.enabled=true,"
    "monitoring.dashboard.enabled=true,image.digest=sha256:" + "0" * 64 + ",config.WORKERS=32,"
    "secrets.GITHUB_APP_PRIVATE_KEY.name=app,secrets.GITHUB_APP_PRIVATE_KEY.key=pem",
]
# Kubernetes as old as the chart allows, and the newest known.
VERSIONS = ("1.30", "1.37")


def render(values, release="sync"):
    return [one for one in yaml.safe_load_all(run(tool("HELM"), "template", release, "deploy/helm", *values)) if one]


def of_kind(objects, kind):
    return [one for one in objects if one["kind"] == kind]


def deployments(objects):
    return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one for one in of_kind(objects, "Deployment")}


def pods(objects):
    return [one["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for one in of_kind(objects, kind)]


def check_lint():
    """helm lint has nothing to say about the chart"""
    run(tool("HELM"), "lint", "--strict", "deploy/helm", *NEEDED)


def check_version():
    """the chart installs the version that it lies beside"""
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert read_yaml("helm/Chart.yaml")["appVersion"] == version


def check_schemas():
    """everything that Helm renders is what Kubernetes' API takes"""
    for values in (NEEDED, EVERYTHING):
        for one in render(values):
            if "monitoring.coreos.com" in one["apiVersion"]:
                continue  # of the Prometheus Operator, not of Kubernetes
            for version in VERSIONS:
                try:
                    kubernetes_validate.validate(one, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    raise AssertionError(f"{one['kind']} {one['metadata']['name']}: {error.message}") from error


def check_refusals():
    """values that cannot work are refused with a reason"""
    chart = (tool("HELM"), "template", "sync", "deploy/helm")
    assert "PUBLIC_URL" in run_fails(*chart)
    assert "DATABASE_URL" in run_fails(*chart, *NEEDED, "--set", "config.DATABASE_URL=postgres://u:p@h/d")
    assert "reconcile" in run_fails(*chart, *NEEDED, "--set", "reconcile=true")
    assert "digest" in run_fails(*chart, *NEEDED, "--set", "image.digest=latest")


def check_variables():
    """the program knows every variable, role and command of the chart"""
    known = program.variables()
    for pod in pods(render(EVERYTHING)):
        [container] = pod["containers"]
        assert {one["name"].removesuffix("_FILE") for one in container["env"]} <= known
        assert "LOCKSTEP_PUBLIC_URL" in {one["name"] for one in container["env"]}
        command, *flags = container["args"]
        assert not flags or (flags[0] == "--role" and flags[1] in program.help_of(command)), flags
    schema = json.loads((DEPLOY / "helm/values.schema.json").read_text())["properties"]["secrets"]["properties"]
    files = set(re.findall(r"\[env: LOCKSTEP_([A-Z_]+)_FILE\]", program.help_of("serve")))
    assert set(schema) == files, set(schema) ^ files


def check_values():
    """numbers, switches and texts of a values file reach the program as they were written"""
    written = {"GITHUB_APP_ID": 1234567, "RETRY_SECONDS": 0.5, "WORKERS": 1000000, "SWEEP_SECONDS": 30, "LOG": "info", "PUBLIC_URL": "https://x"}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as values:
        yaml.safe_dump({"config": written}, values)
        values.flush()
        for pod in pods(render(["--values", values.name])):
            shown = {one["name"].removeprefix("LOCKSTEP_"): one["value"] for one in pod["containers"][0]["env"]}
            assert {name: shown[name] for name in written} == {name: str(value) for name, value in written.items()}


def check_secrets():
    """secrets come by reference, as files, each where its variable says"""
    for pod in pods(render(EVERYTHING)):
        [container] = pod["containers"]
        [volume] = pod["volumes"]
        [mount] = container["volumeMounts"]
        paths = {f"{mount['mountPath']}/{item['path']}" for source in volume["projected"]["sources"] for item in source["secret"]["items"]}
        assert paths == {one["value"] for one in container["env"] if one["name"].endswith("_FILE")}
    assert not of_kind(render(EVERYTHING), "Secret")


def check_probes():
    """a replica counts once PostgreSQL and Redis answered it, and does not go when they do"""
    for name, one in deployments(render(NEEDED)).items():
        [container] = one["spec"]["template"]["spec"]["containers"]
        path = lambda probe: container[probe]["httpGet"]["path"]
        assert (path("startupProbe"), path("readinessProbe"), path("livenessProbe")) == ("/readyz", "/healthz", "/healthz"), name
        assert container["resources"]["requests"] and container["resources"]["limits"]["memory"], name
        assert one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 25, name


def check_rights():
    """no pod has rights it does not need"""
    for pod in pods(render(EVERYTHING)):
        assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"]
        security = pod["containers"][0]["securityContext"]
        assert security["readOnlyRootFilesystem"] and security["capabilities"]["drop"] == ["ALL"]
        assert security["allowPrivilegeEscalation"] is False


def check_selectors():
    """Services, budgets and policies find the pods they mean, and no others"""
    objects = render(EVERYTHING)
    fits = lambda selector, labels: selector.items() <= labels.items()
    roles = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in deployments(objects).items()}
    assert set(roles) == {"web", "worker"}
    for service in of_kind(objects, "Service"):
        assert [name for name, labels in roles.items() if fits(service["spec"]["selector"], labels)] == ["web"]
    budgets = [one["spec"]["selector"]["matchLabels"] for one in of_kind(objects, "PodDisruptionBudget")]
    assert sorted(name for name in roles for budget in budgets if fits(budget, roles[name])) == ["web", "worker"]
    [policy] = of_kind(objects, "NetworkPolicy")
    assert all(fits(policy["spec"]["podSelector"]["matchLabels"], labels) for labels in roles.values())


def check_inside():
    """the internal listener has no way in from outside"""
    objects = render(EVERYTHING)
    [policy] = of_kind(objects, "NetworkPolicy")
    for rule in policy["spec"]["ingress"]:
        assert rule["ports"] == [{"protocol": "TCP", "port": 8080}] or rule["from"], rule
    [ingress] = of_kind(objects, "Ingress")
    assert "internal" not in json.dumps(ingress["spec"])
    for service in of_kind(objects, "Service"):
        assert [port["name"] for port in service["spec"]["ports"]] in (["public"], ["internal"])


def check_autoscaling():
    """workers follow the age of the queue that the program tells"""
    objects = render(EVERYTHING)
    [scaler] = of_kind(objects, "HorizontalPodAutoscaler")
    [metric] = scaler["spec"]["metrics"]
    assert metric["external"]["metric"]["name"] in {name for name, _ in program.SERIES}
    worker = deployments(objects)["worker"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == worker["metadata"]["name"] and "replicas" not in worker["spec"]
    assert deployments(render(NEEDED))["worker"]["spec"]["replicas"] == 2


def check_monitoring():
    """the chart's rules and dashboard are those of this folder"""
    objects = render(EVERYTHING)
    [rule] = of_kind(objects, "PrometheusRule")
    assert rule["spec"] == read_yaml("prometheus/alerts.yml")
    [dashboard] = of_kind(objects, "ConfigMap")
    assert json.loads(dashboard["data"]["lockstep.json"]) == json.loads((DEPLOY / "grafana/dashboards/lockstep.json").read_text())


def check_job():
    """Prometheus knows the pods by a job that the rules name, whatever the release is called"""
    objects = render([*EVERYTHING, "--set", "fullnameOverride=sync"])
    [monitor] = of_kind(objects, "PodMonitor")
    rules = {rule["alert"]: rule["expr"] for group in read_yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]}
    [job] = re.findall(r'job=~"([^"]+)"', rules["LockstepDown"])
    for one in deployments(objects).values():
        assert re.fullmatch(job, one["spec"]["template"]["metadata"]["labels"][monitor["spec"]["jobLabel"]])


def check_migrations():
    """the schema is brought up to date before anything is installed or replaced"""
    [job] = of_kind(render(NEEDED), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
