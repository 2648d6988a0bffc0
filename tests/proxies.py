"""Real proxies in front of a server of ours, as shops run them: nginx and HAProxy, which keep connections upstream."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.ports import free_ports

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream app {{ server 127.0.0.1:{upstream}; keepalive 1; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_request_buffering {buffering};
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
    }}
  }}
}}
"""
HAPROXY = """
global
  maxconn 256
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  timeout tunnel 10s
  option http-keep-alive
  http-reuse always
frontend front
  bind 127.0.0.1:{port}
  default_backend app
backend app
  server app 127.0.0.1:{upstream}
"""


def needs(program: str) -> str:
    """Where the program is; the test is skipped by name without it, unless CI says that it must be there."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("PAYGRAPH_REQUIRE_PROXIES"):
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return found


@asynccontextmanager
async def nginx(upstream: int, folder: Path, *, buffering: str = "off") -> AsyncIterator[int]:
    program, port = needs("nginx"), free_ports()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, upstream=upstream, port=port, buffering=buffering))
    async with running_program(
        port, program, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(config)
    ):
        yield port


@asynccontextmanager
async def haproxy(upstream: int, folder: Path) -> AsyncIterator[int]:
    program, port = needs("haproxy"), free_ports()
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(upstream=upstream, port=port))
    async with running_program(port, program, "-db", "-q", "-f", str(config)):
        yield port


@asynccontextmanager
async def running_program(port: int, *command: str) -> AsyncIterator[None]:
    """A program that listens on a port, until the block ends."""
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(20):
            while not await _listens(port):
                assert process.returncode is None, f"{command[0]} ended with {process.returncode}"
                await asyncio.sleep(0.02)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
