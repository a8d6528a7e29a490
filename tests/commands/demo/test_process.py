from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from function.commands.demo import process, sample
from function.shared.errors import Misconfigured, Unavailable
from tests.harness.process import free_port
from tests.harness.server import environment


def test_a_port_that_another_program_has_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"port {port} cannot be used"):
            process.free_port(port)
    assert process.free_port(port) == port


def test_it_finds_a_port_of_its_own() -> None:
    assert process.free_port(None) > 0


def test_a_function_that_does_not_start_says_why() -> None:
    settings = environment(SRE_DISPATCH_POLICY="nonsense")
    with (
        pytest.raises(Unavailable, match="did not start: SRE_DISPATCH_POLICY has to be opa or embedded"),
        process.running(settings, free_port()),
    ):
        raise AssertionError("it started")


def test_a_delivery_comes_back_with_the_audit_lines_of_its_alerts_and_a_dead_function_with_none(
    tmp_path: Path,
) -> None:
    settings = environment(
        SRE_DISPATCH_AUTH="none",
        SRE_DISPATCH_POLICY="embedded",
        SRE_DISPATCH_JOBS="folder",
        SRE_DISPATCH_JOBS_FOLDER=str(tmp_path),
    )
    with process.running(settings, free_port()) as function:
        for name in sample.DELIVERIES:
            status, (line,) = function.post(sample.delivery(name))
            assert (status, line["audit"]["outcome"]) == (200, "created")
        assert function.post(b"[]") == (400, [])
    with pytest.raises(Unavailable, match="did not answer"):
        process.Function(function.port, Path(os.devnull)).post(b"{}")
