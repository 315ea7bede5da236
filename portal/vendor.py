"""Front-end files of others, copied into the repository with their hashes: ``python -m portal.vendor``.

``static/vendor/MANIFEST.json`` names every package, its exact version and each file taken from it. Without an option
the files on disk are compared with their hashes (no network). ``--fetch`` gets the packages with npm, whose
``integrity`` must equal the recorded one, so that a package republished under the same version is noticed;
``--fetch --update`` records what came, after a version in the manifest was changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
MANIFEST: Final = ROOT / "static" / "vendor" / "MANIFEST.json"

SOURCE_MAP = re.compile(rb"\n?/[/*]# sourceMappingURL=[^\n]*\n?")


class VendorError(Exception):
    """A vendored file or package is not what the manifest says. The message names it and the command to run."""


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal, as the manifest records it."""
    return hashlib.sha256(content).hexdigest()


def read_manifest() -> dict[str, Any]:
    """The manifest: ``packages`` by name, each with version, license, integrity and ``files`` by their path here."""
    manifest: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest


def check() -> list[str]:
    """What differs between the files on disk and the manifest, a line each; empty when all is well."""
    problems = []
    for package in read_manifest()["packages"].values():
        for path, entry in package["files"].items():
            file = ROOT / path
            if not file.is_file():
                problems.append(f"{path} is missing; run: make vendor")
            elif digest(file.read_bytes()) != entry["sha256"]:
                problems.append(f"{path} was edited by hand; vendored files are changed by: make vendor")
    return problems


def fetch(*, update: bool = False) -> None:
    """Get every package and write its files. Raises ``VendorError`` when a package or file is not the recorded one."""
    manifest = read_manifest()
    with tempfile.TemporaryDirectory() as directory:
        for name, package in manifest["packages"].items():
            archive = _pack(name, package, Path(directory), update=update)
            for path, entry in package["files"].items():
                _write(ROOT / path, _read(archive, entry["source"]), entry, update=update)
    if update:
        MANIFEST.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _pack(name: str, package: dict[str, Any], directory: Path, *, update: bool) -> Path:
    command = [
        "npm",
        "pack",
        f"{name}@{package['version']}",
        "--json",
        "--silent",
        "--pack-destination",
        str(directory),
    ]
    output = subprocess.run(command, check=True, capture_output=True, cwd=directory).stdout  # noqa: S603 - our own list
    packed = json.loads(output)[0]
    if update:
        package["integrity"] = packed["integrity"]
    elif packed["integrity"] != package["integrity"]:
        message = f"{name} {package['version']} has another integrity than recorded; nothing of it was written"
        raise VendorError(message)
    return directory / str(packed["filename"])


def _read(archive: Path, source: str) -> bytes:
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{source}")
        if member is None:
            message = f"{archive.name} holds no {source}"
            raise VendorError(message)
        content = member.read()
    # a map that is not shipped breaks the manifest storage, which follows every reference it finds
    return SOURCE_MAP.sub(b"\n", content) if source.endswith((".css", ".js")) else content


def _write(path: Path, content: bytes, entry: dict[str, str], *, update: bool) -> None:
    if update:
        entry["sha256"] = digest(content)
    elif digest(content) != entry["sha256"]:
        message = f"{path.name} is not the recorded file; nothing was written. To accept it: --fetch --update"
        raise VendorError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main(arguments: list[str]) -> int:
    """The command: 0 when the files are those of the manifest, 1 with a line for each that is not."""
    try:
        if "--fetch" in arguments:
            fetch(update="--update" in arguments)
        problems = check()
    except VendorError as error:
        problems = [str(error)]
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
