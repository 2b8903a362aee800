#!/usr/bin/env python3
"""bundle_node.py FOLDER SCRIPTS NOTICE: makes the scripts of Node's modules.

FOLDER (isolates/node) names the modules and what each is made from; its npm packages are installed
once per content of its lock file, outside the checkout. SCRIPTS becomes a JSON object of script
names and texts, for embed_scripts.py; NOTICE the licences of the packages that are in them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.npm import installed  # noqa: E402

# What packages call each other's Node modules by, and ours.
OWN_NAMES = ("buffer", "events", "process", "string_decoder", "util")

# Functions that unenv names and does not have: each says so, as an Error with Node's code.
ABSENT = """
function createNotImplementedError(name) {
  const full = name.startsWith("node:") ? name : `node:${name}`;
  const error = new Error(`${full}() is not available on this node.`);
  error.code = "ERR_METHOD_NOT_IMPLEMENTED";
  return error;
}
function notImplemented(name) {
  return () => { throw createNotImplementedError(name); };
}
function notImplementedAsync(name) {
  const fn = notImplemented(name);
  fn.__promisify__ = () => notImplemented(name);
  fn.native = fn;
  return fn;
}
function notImplementedClass(name) {
  return class { constructor() { throw createNotImplementedError(`new ${name}`); } };
}
function mergeFns(...fns) {
  return function (...args) { for (const fn of fns) fn(...args); };
}
function rawHeaders(headers) {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => [name, each]));
}
export { createNotImplementedError, notImplemented, notImplementedAsync, notImplementedClass,
  mergeFns, rawHeaders };
"""

ENTRY = """const found = require("unenv/node/%s");
module.exports = { ...found.default };
"""


def read_modules(folder):
    """{name: source}"""
    modules = {}
    for line in (folder / "modules.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            modules[words[0]] = words[1]
    return modules


def lay_out(folder, packages, work):
    """A copy of the sources beside the packages, of which unenv is one that can be changed."""
    shutil.copytree(folder / "src", work / "src")
    (work / "node_modules").mkdir()
    for package in packages.iterdir():
        if package.name == "unenv":
            shutil.copytree(package, work / "node_modules/unenv")
        elif not package.name.startswith("."):
            (work / "node_modules" / package.name).symlink_to(package, target_is_directory=True)
    (work / "node_modules/unenv/dist/runtime/_internal/utils.mjs").write_text(ABSENT)


def bundle(modules, work):
    """Runs esbuild once over all modules; its account of what went into which."""
    entries = work / "entries"
    for name, source in modules.items():
        entry = entries / f"{name}.js"
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.write_text(ENTRY % name if source == "unenv" else
                         f'module.exports = require("{work / source}");\n')
    command = ["esbuild", *[str(entries / f"{name}.js") for name in modules], "--bundle",
               f"--outdir={work / 'out'}", f"--outbase={entries}", f"--metafile={work / 'meta'}",
               "--format=cjs", "--platform=neutral", "--main-fields=module,main",
               "--target=es2024", "--charset=ascii", "--minify-whitespace", "--minify-syntax",
               "--legal-comments=none", "--preserve-symlinks", "--log-level=error",
               "--external:node:*",
               f"--alias:abort-controller={work / 'src/abort_controller.js'}"]
    command += [f"--alias:{name}=node:{name}" for name in OWN_NAMES]
    made = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"esbuild failed:\n{made.stderr}")
    return json.loads((work / "meta").read_text())


def script(name, code):
    """A built-in script that gives the module's exports."""
    return (f'const {{ module, require }} = internals.node.begin("{name}");\n'
            f"{code}\nreturn module.exports;\n")


def notice(packages, used):
    """The licences of the packages, in the order of their names."""
    parts = ["Parts of these packages are in the modules that scripts import as node:*.\n"]
    for name in sorted(used):
        folder = packages / name
        about = json.loads((folder / "package.json").read_text())
        texts = sorted(f for f in folder.iterdir()
                       if f.name.lower().split(".")[0] in ("license", "licence", "copying"))
        parts.append(f"\n---- {name} {about['version']} ({about.get('license', '?')})\n")
        parts += [text.read_text(errors="replace").strip() + "\n" for text in texts]
    return "\n".join(parts)


def packages_in(meta):
    """The packages of whose files something is in the output."""
    used = set()
    for output in meta["outputs"].values():
        for path, share in output["inputs"].items():
            if "node_modules/" not in path or share["bytesInOutput"] == 0:
                continue
            words = path.rsplit("node_modules/", 1)[1].split("/")
            used.add("/".join(words[:2]) if words[0].startswith("@") else words[0])
    return used


def main():
    folder, scripts, licences = map(Path, sys.argv[1:4])
    packages = installed(folder)
    modules = read_modules(folder)
    with tempfile.TemporaryDirectory(prefix="atoll-node-") as scratch:
        work = Path(os.path.realpath(scratch))
        lay_out(folder, packages, work)
        meta = bundle(modules, work)
        texts = {f"node/{name}.js": script(name, (work / "out" / f"{name}.js").read_text())
                 for name in modules}
    scripts.write_text(json.dumps(texts, indent=0))
    licences.write_text(notice(packages, packages_in(meta)))


if __name__ == "__main__":
    main()
