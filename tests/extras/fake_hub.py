"""A hub of datasets on loopback: as much of the hub's interface as `datasets` and `huggingface_hub` use to upload one.

`fail` names a step (create, preupload, lfs, put, commit, card) and the status it is answered with.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_OID = "0" * 40


class Hub:
    """What the server holds and was asked.

    Attributes:
        files: the repository's files as committed.
        created: the bodies of requests for a repository.
        tokens: every `Authorization` that was sent.
        asked: every request, as method and path.
        private: whether the repository is; None where there is none.
    """

    def __init__(self, fail: dict[str, int]) -> None:
        self.fail = dict(fail)
        self.files: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.created: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self.private: bool | None = None  # None: there is no repository
        self.url = ""

    def step(self, name: str) -> int:
        """The status that a step is answered with, 0 for a good one."""
        return self.fail.get(name, 0)

    def commit(self, lines: list[dict[str, Any]]) -> None:
        """Take the operations of a commit."""
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                content = value["content"]
                self.files[value["path"]] = base64.b64decode(content) if value.get("encoding") == "base64" else content.encode()
            elif line["key"] == "lfsFile":
                self.files[value["path"]] = self.objects[value["oid"]]
            elif line["key"] in ("deletedFile", "deletedEntry"):
                self.files.pop(value["path"], None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Nothing to stderr: what is read there is the command's own."""

    def _answer(self, status: int, value: Any = None, *, raw: bytes | None = None, **headers: str) -> None:
        body = raw if raw is not None else json.dumps({} if value is None else value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "X-Repo-Commit": _OID, **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int) -> None:
        said = {401: "Invalid username or password.", 403: "You don't have the rights.", 409: "You already created this dataset repo"}
        words = f"{said.get(status, 'The server failed.')} You sent {self.headers.get('Authorization')}"  # as careless servers say
        self._answer(status, {"error": words}, X_Error_Message=words)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _note(self) -> str:
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path}")
        if token := self.headers.get("Authorization"):
            self.hub.tokens.add(token)
        return path

    def do_GET(self) -> None:
        """Files, the list of them, and what the repository is."""
        path = self._note()
        if "/resolve/" in path:
            name = path.split("/resolve/")[1].partition("/")[2]
            if self.hub.step("card") and name == "README.md":
                return self._refuse(self.hub.step("card"))
            if name not in self.hub.files:
                return self._answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
            data = self.hub.files[name]
            return self._answer(200, raw=data, ETag=f'"{len(data)}"', Content_Type="text/plain")
        if self.hub.private is None and path.startswith("/api/datasets/"):
            return self._answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
        if "/tree/" in path:
            folder = path.split("/tree/")[1].partition("/")[2]
            found = {name: data for name, data in self.hub.files.items() if name.startswith(folder)}
            if folder and not found:
                return self._answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
            return self._answer(200, [{"type": "file", "path": name, "size": len(data), "oid": _OID} for name, data in found.items()])
        if path.startswith("/api/whoami"):
            return self._answer(200, {"name": "me", "type": "user", "orgs": []})
        if path.startswith("/api/datasets/"):
            siblings = [{"rfilename": name} for name in self.hub.files]
            shown = {"id": "me/data", "sha": _OID, "private": self.hub.private, "siblings": siblings, "tags": [], "downloads": 0}
            return self._answer(200, shown)
        self._answer(404, {"error": "not found"})
        return None

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        """An object of LFS."""
        path = self._note()
        data = self._body()
        if status := self.hub.step("put"):
            return self._refuse(status)
        self.hub.objects[path.rpartition("/")[2]] = data
        self._answer(200)
        return None

    def do_POST(self) -> None:
        """Create, announce, commit."""
        path, body = self._note(), self._body()
        if path == "/api/repos/create":
            if (status := self.hub.step("create")) == 409:  # somebody made it since it was looked for
                self.hub.private = True
                return self._answer(409, {"error": "You already created it", "url": f"{self.hub.url}/datasets/me/data", "name": "me/data"})
            if status:
                return self._refuse(status)
            self.hub.created.append(json.loads(body))
            self.hub.private = self.hub.created[-1].get("visibility") == "private" or self.hub.created[-1].get("private") is True
            return self._answer(200, {"url": f"{self.hub.url}/datasets/me/data", "id": "me/data", "name": "me/data"})
        if "/preupload/" in path:
            if status := self.hub.step("preupload"):
                return self._refuse(status)
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(".parquet") else "regular" for name in names}
            return self._answer(
                200, {"files": [{"path": n, "uploadMode": m, "shouldIgnore": False, "oid": None} for n, m in modes.items()]}
            )
        if path.endswith("/info/lfs/objects/batch"):
            if status := self.hub.step("lfs"):
                return self._refuse(status)
            wanted = json.loads(body)["objects"]
            hrefs = {one["oid"]: {"upload": {"href": f"{self.hub.url}/objects/{one['oid']}"}} for one in wanted}
            objects = [{"oid": one["oid"], "size": one["size"], "actions": hrefs[one["oid"]]} for one in wanted]
            return self._answer(200, {"transfer": "basic", "objects": objects})
        if "/commit/" in path:
            if status := self.hub.step("commit"):
                return self._refuse(status)
            lines = [json.loads(line) for line in body.splitlines() if line]
            self.hub.commit(lines)
            url = f"{self.hub.url}/datasets/me/data/commit/{_OID}"
            return self._answer(200, {"success": True, "commitOid": _OID, "commitUrl": url, "hookOutput": ""})
        if "/paths-info/" in path:
            return self._answer(200, [])
        if path == "/api/validate-yaml":
            return self._answer(200, {"errors": [], "warnings": []})
        self._answer(404, {"error": "not found"})
        return None


@contextmanager
def hub(**fail: int) -> Iterator[Hub]:
    """Run a hub on loopback until the block ends."""
    state = Hub(fail)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": state}))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
