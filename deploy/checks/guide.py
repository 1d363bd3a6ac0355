"""deploy/integrate.md: what it shows is run, against the program and a simulated GitHub."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import program
from files import ROOT, run, tool

GUIDE = (ROOT / "deploy/integrate.md").read_text()
# Those of the panel's own build.
PROGRAMS = ROOT / "src/ui/elements/node_modules/.bin"
# Listens as the guide does; answers what it was told as a line each.
DRIVER = """
import { Lockstep, LockstepError, listen } from "./guide.mjs";
const lockstep = new Lockstep(process.env.LOCKSTEP, process.env.KEY);
const refused = await lockstep.change("typed", [{ op: "delete", path: "nothing" }]).catch((error) => error);
if (!(refused instanceof LockstepError) || refused.problem.code !== "validation_failed") throw refused;
const first = await lockstep.change("typed", [{ op: "put", path: "a b.md", content: "one" }], { id: "u_7", name: "Ada" }, "save-1");
const again = await lockstep.change("typed", [{ op: "put", path: "a b.md", content: "one" }], undefined, "save-1");
if (first.duplicate || !again.duplicate || again.revision !== first.revision) throw new Error("not once");
if (Buffer.from(await lockstep.file("typed", "a b.md")).toString() !== "one") throw new Error("another content");
if ((await lockstep.status("typed")).state !== "disconnected") throw new Error("connected?");
if (!(await lockstep.panel("typed", { id: "u_7" }, "viewer")).token) throw new Error("no session");
if (!(await lockstep.connect("typed", "u_7")).authorize_url) throw new Error("no address");
const server = listen(Number(process.env.PORT), process.env.NOTIFY_SECRET, async (id, { type, data }) => {
  if (data.project === "site" && type === "project.files_changed") {
    console.log(JSON.stringify({ id, type, files: data.files.map((file) => file.path) }));
    server.close();
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 200);
  }
});
const forged = await fetch(`http://127.0.0.1:${process.env.PORT}`, { method: "POST", body: "{}" });
if (forged.status !== 401) throw new Error("a forged notification was believed");
console.log("listening");
"""


def blocks(language):
    return re.findall(rf"^```{language} guide\n(.*?)^```", GUIDE, re.M | re.S)


def shell(script, **more):
    env = os.environ | {"LOCKSTEP": program.BASE["internal"], "KEY": program.KEY} | more
    return run("bash", "-euo", "pipefail", "-c", script, env=env)


def check_curl():
    """the guide's curl lines integrate a project, step by step"""
    change, connect, repositories, choose, show, session, files = blocks("sh")
    assert json.loads(shell(change))["revision"] == 1
    assert json.loads(shell(change))["duplicate"] is True
    program.authorize(json.loads(shell(connect))["authorize_url"])
    offered = json.loads(shell(repositories))["items"]
    assert {"acme/handbook"} <= {one["full_name"] for one in offered if one["connectable"]}, offered
    installation = next(one["installation_id"] for one in offered if one["full_name"] == "acme/handbook")
    assert json.loads(shell(choose, INSTALLATION=str(installation)))["state"] == "connected"
    program.until("the guide's first sync", lambda: '"sync_status":"success"' in shell(show))
    assert json.loads(shell(session))["token"]
    assert shell(files).endswith("# Handbook\n")


def check_typescript():
    """the guide's module is sound TypeScript, sends, reads, and believes signed notifications alone"""
    [module] = blocks("ts")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "guide.ts").write_text(module)
        (path / "driver.mjs").write_text(DRIVER)
        types = path / "node_modules/@types"
        types.mkdir(parents=True)
        (types / "node").symlink_to(tool("NODE_TYPES"))
        strict = ["--strict", "--noUnusedLocals", "--skipLibCheck", "--target", "es2023", "--module", "nodenext", "--types", "node"]
        run(f"{PROGRAMS}/tsc", "--noEmit", *strict, "--typeRoots", str(types), str(path / "guide.ts"))
        run(f"{PROGRAMS}/esbuild", str(path / "guide.ts"), "--format=esm", f"--outfile={path / 'guide.mjs'}", "--log-level=error")
        env = os.environ | {
            "LOCKSTEP": program.BASE["internal"], "KEY": program.KEY,
            "PORT": str(program.NOTIFY_PORT), "NOTIFY_SECRET": program.NOTIFY_SECRET,
        }
        with subprocess.Popen(["node", "driver.mjs"], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
            assert driver.stdout.readline() == "listening\n", driver.stderr.read()
            program.push("acme/site", {"NEWS.md": f"news of {time.time()}\n"})
            told = driver.stdout.readline()
            assert told and json.loads(told)["files"] == ["NEWS.md"], driver.stderr.read()
            assert driver.wait(30) == 0


def check_names():
    """the documents name variables, commands and routes that the program has"""
    known = program.variables() | {f"{name}_FILE" for name in program.variables()}
    routes = set(json.loads(program.call("GET", f"{program.BASE['internal']}/openapi.json")[2])["paths"])
    for path in ("README.md", "deploy/README.md", "deploy/integrate.md"):
        text = (ROOT / path).read_text()
        # LOCKSTEP_…_FILE and the like stand for many.
        named = set(re.findall(r"\bLOCKSTEP_[A-Z_]*[A-Z]\b(?!…)", text)) - {"LOCKSTEP_IMAGE", "LOCKSTEP_BIN"}
        assert named <= known, (path, named - known)
        for command in set(re.findall(r"`lockstep ([a-z]+)", text)):
            program.help_of(command)
        for route in re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) `?(/v1/[a-z-]+)", text):
            assert route in routes, (path, route)
