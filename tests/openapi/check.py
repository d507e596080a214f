"""Starts a node in sandbox mode, gives it something to sell and some orders, and lets schemathesis loose on it: with ids of
things that are there as a customer and as a store, with ids it makes up as a customer and as an operator, and once without
a token. Exits 1 if any round finds anything."""

import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

STORE, SKU, CAMPAIGN = "sh-001", "set-1", "one-yuan"
# Together with start and set-up well under 90 seconds.
SECONDS_A_ROUND = 8
CHECKS = ",".join([
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance", "ignored_auth",
])


def free_port():
    """One on which nobody listens, below those that the system hands out to connections."""
    for turn in itertools.count(os.getpid() * 7):
        port = 12_000 + turn % 20_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Node:
    """The real binary on a free port, in a directory of its own."""

    def __init__(self, binary, catalogue, directory):
        self.url = f"http://127.0.0.1:{free_port()}"
        config = directory / "node.toml"
        config.write_text(
            f'mode = "sandbox"\n[node]\nregion = "east"\nlisten = ["{self.url.removeprefix("http://")}"]\n'
            f'data_dir = "{directory / "data"}"\ncatalog = "{catalogue}"\n'
        )
        self.log = open(directory / "node.log", "w+")
        self.process = subprocess.Popen([binary, "node", "--config", config], stdout=self.log, stderr=self.log)
        self.catalogue = Path(catalogue)
        self.wait()

    def wait(self):
        """Asks until it can take orders."""
        for _ in range(600):
            if self.process.poll() is not None:
                self.log.seek(0)
                sys.exit(f"the node ended:\n{self.log.read()}")
            try:
                if self.call("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        sys.exit("the node is not ready after 30 s")

    def call(self, method, path, body=None, token=None, key=None):
        """One request; answers status and JSON."""
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def token(self, **claims):
        return self.call("POST", "/v1/sandbox/tokens", claims)[1]["token"]


def prepare(node, customer, operator, name):
    """An order that is paid, so that most steps are one call away. The round before may have paused the store."""
    node.call("PUT", f"/v1/stores/{STORE}/accepting", {"accepting": True}, operator)
    node.call("PUT", f"/v1/stores/{STORE}/stock/{SKU}", {"available": 1000}, operator)
    lines = [{"sku": SKU, "quantity": 1, "options": options_of(node)}]
    status, order = node.call("POST", "/v1/orders", {"store": STORE, "lines": lines}, customer, f"openapi-{name}")
    if status != 201:
        sys.exit(f"no order could be placed: {order}")
    node.call("POST", f"/v1/sandbox/payments/{order['id']}/succeed")
    return order["id"]


def options_of(node):
    """The first choices that the item asks for."""
    menu = node.call("GET", f"/v1/stores/{STORE}/menu")[1]
    item = next(item for item in menu["items"] if item["sku"] == SKU)
    return [{"option": group["id"], "choice": group["choices"][at]["id"]}
            for group in item.get("options", []) for at in range(group["min"])]


def round_of(node, schemathesis, directory, name, token, order):
    config = directory / f"{name}.toml"
    # A long poll of a minute is right, and of no use here.
    parameters = {"query.wait": 0}
    if order:
        parameters |= {"path.order": order, "path.store": STORE, "path.sku": SKU, "path.campaign": CAMPAIGN}
    lines = [f'"{key}" = {json.dumps(value)}' for key, value in parameters.items()]
    config.write_text("[parameters]\n" + "\n".join(lines) + "\n")
    command = [schemathesis, "--config-file", config, "--no-color", "run", f"{node.url}/openapi.json", "--checks", CHECKS,
               "--phases", "examples,coverage,fuzzing", "--max-time", str(SECONDS_A_ROUND), "--max-examples", "25",
               "--request-timeout", "20", "--seed", "1", "--warnings", "off", "--continue-on-failure",
               # The WebSocket has a document of its own.
               "--exclude-path", "/v1/push"]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60)
    good = done.returncode == 0
    generated = next((line.strip() for line in done.stdout.splitlines() if "generated" in line), "no figures")
    print(f"{name}: {'nothing found' if good else 'FAILED'} ({generated})", flush=True)
    if not good:
        print(done.stdout[-12_000:], done.stderr[-2_000:])
    return good


def main(binary, schemathesis, catalogue):
    with tempfile.TemporaryDirectory(prefix="qucan-openapi-") as directory:
        directory = Path(directory)
        node = Node(binary, catalogue, directory)
        try:
            customer, operator = node.token(role="customer", subject="openapi"), node.token(role="operator", subject="ops")
            store = node.token(role="store", subject="pos", store=STORE)
            rounds = [("customer", customer, True), ("store", store, True), ("stranger", customer, False),
                      ("operator", operator, False), ("nobody", None, True)]
            good = []
            for name, token, real in rounds:
                order = prepare(node, customer, operator, name) if real else None
                good.append(round_of(node, schemathesis, directory, name, token, order))
            if node.process.poll() is not None:
                sys.exit("the node ended")
            sys.exit(0 if all(good) else 1)
        finally:
            node.process.kill()
            node.process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
