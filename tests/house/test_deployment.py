"""The deployment files, checked for what they promise: no secret inside, no root, health, the order of starting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exchange import urls as exchange_urls
from exchange.lane import POSTED

if TYPE_CHECKING:
    from django.urls import URLPattern

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "exchange", "portal", "worker", "beat")
NGINX = (ROOT / "deploy/nginx/nginx.conf").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_part_of_the_product_is_there() -> None:
    assert set(SERVICES) == {"postgres", "redis", "nginx", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_with_the_least_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "ports" not in service


@pytest.mark.parametrize("name", OURS)
def test_secrets_come_from_files_or_from_the_operators_environment(name: str) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        if "PASSWORD" in variable or "KEK" in variable or "_URL" in variable:
            assert re.fullmatch(
                r"(/run/secrets/\w+|redis://redis:6379/0|postgresql://\w+:\$\{\w+:\?\}@postgres/\w+)", value
            )


def test_no_file_of_the_deployment_holds_a_secret() -> None:
    pattern = re.compile(r"(?i)(password|secret|kek)\s*[=:]\s*['\"]?[A-Za-z0-9+/]{12,}")
    for path in (ROOT / "docker-compose.yml", ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*.*")):
        assert not pattern.search(path.read_text(encoding="utf-8")), path.name


def test_nothing_serves_before_the_database_was_migrated() -> None:
    for name in ("exchange", "portal", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["restart"] == "no"


def test_the_databases_log_goes_round() -> None:
    settings = dict(part.split("=") for part in SERVICES["postgres"]["command"][2::2])
    assert settings == {"min_wal_size": "1GB", "max_wal_size": "4GB"}
    assert set(SERVICES["postgres"]["command"][1::2]) == {"-c"}


@pytest.mark.parametrize("name", ["postgres", "redis", "worker", "nginx"])
def test_what_can_be_asked_is_asked_for_its_health(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_the_exchange_and_the_portal_are_two_pools() -> None:
    assert SERVICES["exchange"]["environment"]["HANDOVER_SERVE"] == "exchange"
    assert "proxy_pass http://exchange" in NGINX
    assert "proxy_pass http://portal" in NGINX


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_special() -> None:
    assert DOCKERFILE.count("\nFROM ") == 2
    assert "--require-hashes" in DOCKERFILE
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001$", last_stage, re.MULTILINE)
    assert "HEALTHCHECK" in last_stage


def test_every_package_of_ours_is_in_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    for package in packages | {"templates", "static"}:
        assert f"COPY {package} {package}\n" in DOCKERFILE
        assert f"!{package}\n" in ignored


def test_a_certificate_header_from_outside_never_passes_nginx() -> None:
    assert "proxy_set_header Client-Cert $client_cert_header;" in NGINX
    assert "proxy_set_header Client-Cert-Chain $no_value;" in NGINX
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in NGINX


def upstream_of(path: str) -> str:
    """Where nginx sends a path: an exact location first, then the longest prefix (no pattern is used)."""
    found = re.findall(r"^ +location (= )?(/\S*) \{.*proxy_pass http://(\w+);", NGINX, re.MULTILINE)
    exact = {place: upstream for is_exact, place, upstream in found if is_exact}
    prefixes = {place: upstream for is_exact, place, upstream in found if not is_exact and path.startswith(place)}
    return str(exact.get(path) or prefixes[max(prefixes, key=len)])


@pytest.mark.parametrize("path", sorted(POSTED | {"/oauth/jwks", "/.well-known/oauth-authorization-server"}))
def test_what_machines_ask_goes_to_the_exchange(path: str) -> None:
    assert upstream_of(path) == "exchange"


@pytest.mark.parametrize("page", [page for page in exchange_urls.urlpatterns if page.name != "oauth-token"], ids=str)
def test_the_pages_of_the_interactive_grants_go_to_the_portal(page: URLPattern) -> None:
    assert upstream_of(f"/oauth/{page.pattern}") == "portal"


def test_every_setting_the_deployment_uses_exists() -> None:
    from dataclasses import fields  # noqa: PLC0415 - beside its one use

    from portal.config import Config  # noqa: PLC0415

    known = {item.metadata["env"] for item in fields(Config)}
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known
