"""The unit, nginx's file, the manifests and the guide of docs/operations name what there is: paths, ports, settings."""

import re
from collections.abc import Iterator
from typing import Any

import yaml  # type: ignore[import-untyped]
from starlette.routing import Route, WebSocketRoute

from main import build_app
from services.operations.command_line import parse
from settings import Settings, setting_names
from tests.conftest import make_settings
from tests.production.guide import GUIDE, blocks

FOLDER = GUIDE.parent
ROOT = FOLDER.parents[1]
UNIT, NGINX, MANIFESTS = (
    (FOLDER / name).read_text() for name in ("paygraph@.service", "nginx.conf", "kubernetes.yaml")
)
IMAGE = (FOLDER / "Containerfile").read_text()
PORT = Settings.model_fields["port"].default
FROM_OUTSIDE = {"/graphql", "/webhooks/stripe", "/api/payments/create-intent"}
LONGEST_REQUEST, FAREWELL, PING = 20, 20, 20  # seconds


def paths() -> set[str]:
    """What a production server answers."""
    app = build_app(make_settings("postgresql://127.0.0.1:1/nobody", "http://127.0.0.1:1"))
    return {route.path for route in app.routes if isinstance(route, Route | WebSocketRoute)}


def manifests(kind: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(MANIFESTS) if each["kind"] == kind]


def containers() -> Iterator[dict[str, Any]]:
    for each in (*manifests("Job"), *manifests("Deployment")):
        pod = each["spec"]["template"]["spec"]
        yield from (*pod.get("initContainers", ()), *pod["containers"])


def words_of(line: str) -> list[str]:
    """The words behind `main.py`, up to what the shell does with the rest."""
    return re.split(r" (?:--port|\|\||>|<)|$", line.strip())[0].split()


def understood(words: list[str]) -> None:
    """Raises SystemExit where the command line does not know them."""
    parse("", [word.replace("%d/", "/") for word in words])


def test_the_unit_starts_a_server_and_lets_it_end() -> None:
    [command] = re.findall(r"^ExecStart=\S+ main\.py (.+)$", UNIT, re.MULTILINE)
    understood(command.split())
    assert re.findall(r"^Environment=(\w+)=%i$", UNIT, re.MULTILINE) == ["PORT"]
    assert int(re.findall(r"TimeoutStopSec=(\d+)", UNIT)[0]) > FAREWELL
    assert "OOMPolicy=continue" in UNIT, "one worker that is killed for its memory must not stop the others"
    assert (ROOT / "docs" / "deploy.md").exists()


def test_nginx_passes_on_what_customers_and_stripe_call_and_nothing_else() -> None:
    places = re.findall(r"location ~ \^/(\(?)([\w/|-]+)\)?/\?\$ \{", NGINX)
    passed = {f"/{path}" for _, choice in places for path in choice.split("|")}
    assert passed == FROM_OUTSIDE
    assert passed <= paths()
    assert re.findall(r"location / \{\s+return 404;", NGINX)
    [longest] = re.findall(r"proxy_read_timeout\s+(\d+)s", NGINX)
    assert int(longest) > max(LONGEST_REQUEST, PING)
    assert int(re.findall(r"client_max_body_size\s+(\d+)k", NGINX)[0]) > 256, (
        "the server's own bound comes first"
    )


def test_nginxs_log_holds_neither_queries_nor_bodies() -> None:
    [logged] = re.findall(r"log_format paygraph (.+?);", NGINX, re.DOTALL)
    assert "$uri" in logged
    assert not re.findall(r"\$(request|request_uri|args|request_body|http_authorization)\b", logged)


def test_the_manifests_name_commands_ports_paths_and_settings_that_there_are() -> None:
    ours = [each for each in containers() if "paygraph" in each["image"]]
    assert [each["args"] for each in ours] == [["migrate"], ["serve"]]
    for each in ours:
        understood(each["args"])
    [config] = manifests("ConfigMap")
    assert set(config["data"]) <= set(setting_names())
    [server] = [each for each in ours if each["args"] == ["serve"]]
    assert server["ports"] == [{"name": "http", "containerPort": PORT}]
    probed = {server[name]["httpGet"]["path"] for name in server if name.endswith("Probe")}
    assert probed == {"/livez", "/readyz"} & paths()
    [ingress] = manifests("Ingress")
    outside = {each["path"] for each in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert outside == FROM_OUTSIDE


def test_the_manifests_run_the_images_user_on_a_read_only_root_and_let_it_end() -> None:
    [user] = re.findall(r"^USER (\d+):\d+$", IMAGE, re.MULTILINE)
    for each in (*manifests("Job"), *manifests("Deployment")):
        context = each["spec"]["template"]["spec"]["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"]) == (True, int(user))
    for container in containers():
        context = container["securityContext"]
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
    [deployment] = manifests("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    [_, pause] = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert pod["terminationGracePeriodSeconds"] > int(pause) + FAREWELL
    assert pod["containers"][0]["readinessProbe"]["timeoutSeconds"] > 1, "/readyz answers within a second"


def test_the_secrets_of_the_manifests_are_told_of_with_settings_that_there_are() -> None:
    guide = (FOLDER / "kubernetes.md").read_text()
    named = {each["name"] for container in containers() for _, each in _references(container)}
    for name in named - {"paygraph"}:
        assert f"secret generic {name} " in guide or f"configmap {name} " in guide
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", guide)) <= set(setting_names())


def _references(container: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for source in container.get("envFrom", ()):
        yield from source.items()


def test_the_guide_for_debian_names_what_there_is() -> None:
    script = "\n".join(block.script for block in blocks())
    assert [block.step for block in blocks()] == sorted(block.step for block in blocks())
    assert len(blocks()) >= 11
    for file in re.findall(r"docs/operations/\S+", script):
        assert (ROOT / file).exists(), file
    for line in re.findall(r"main\.py ([a-z].*)$", script, re.MULTILINE):
        if not line.startswith("settings.py"):
            understood(words_of(line))
    assert set(re.findall(r"^([A-Z]+_[A-Z_]+)=", script, re.MULTILINE)) <= set(setting_names())
    ports = set(re.findall(r"paygraph@(\d+)", script))
    assert ports == set(re.findall(r"server 127\.0\.0\.1:(\d+)", NGINX))
    for name in ("fullchain.pem", "key.pem"):
        assert f"/etc/paygraph/tls/{name}" in NGINX
