"""The health check says 0 to a 200 and 1, with a reason, to all else, and never takes long."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic

import pytest
import trustme

from chassis.health_check import main

Caught = pytest.CaptureFixture[str]


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free port; give the address without its scheme."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def saying(*parts: bytes, pause: float = 0.0) -> Iterator[str]:
    """Take one connection, say so much with pauses, and keep it open; give the address."""
    over = Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            for part in parts:
                if over.wait(pause):
                    return
                try:
                    connection.sendall(part)
                except OSError:
                    return
            over.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()


def test_200_is_healthy(capsys: Caught) -> None:
    """And nothing is printed: a healthy container has nothing to say."""
    with serving() as address:
        assert main([f"http://{address}/200"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("status", [204, 301, 401, 404, 500, 503])
def test_every_other_status_is_not(status: int, capsys: Caught) -> None:
    """No redirect is followed; the reason is told."""
    with serving() as address:
        assert main([f"http://{address}/{status}"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert str(status) in said.err
    assert address in said.err


def test_nobody_there_is_not_healthy(capsys: Caught) -> None:
    """A refused connection is told as such."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert main([f"http://127.0.0.1:{closed.getsockname()[1]}/"]) == 1
    assert "refused" in capsys.readouterr().err


def test_silence_is_not_healthy(capsys: Caught) -> None:
    """It is waited for as long as is asked."""
    with saying() as url:
        began = monotonic()
        assert main([url, "0.2"]) == 1
        assert 0.2 <= monotonic() - began < 2
    assert "does not answer within 0.2 s" in capsys.readouterr().err


def test_an_answer_that_trickles_in_does_not_take_longer() -> None:
    """The seconds are those of the whole answer."""
    with saying(*[b"x"] * 100, pause=0.1) as url:
        began = monotonic()
        assert main([url, "0.35"]) == 1
        assert monotonic() - began < 2


@pytest.mark.parametrize(
    "line", [b"SSH-2.0-x\r\n", b"\r\n", b"200\n", b"HTTP/1.1\n", b"HTTP/1.1 2000 OK\n", b"x" * 500]
)
def test_what_is_no_answer_of_http_is_not_healthy(line: bytes) -> None:
    """Whatever it says."""
    with saying(line) as url:
        assert main([url, "2"]) == 1


def test_an_answer_in_two_parts_is_read_whole() -> None:
    """Networks cut where they like."""
    with saying(b"HTTP/1.1 2", b"00 OK\r\n", pause=0.02) as url:
        assert main([url]) == 0


def test_tls_is_spoken_and_its_certificate_not_asked_for(capsys: Caught) -> None:
    """It asks its own container, by an address that no certificate names."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("power.example.org").configure_cert(context)
    with serving(context) as address:
        assert main([f"https://{address}/200"]) == 0
        assert main([f"https://{address}/503"]) == 1
        assert main([f"http://{address}/200"]) == 1
    assert "503" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["127.0.0.1:10910"],
        ["ftp://127.0.0.1/"],
        ["http://"],
        ["http://127.0.0.1:99999/"],
        ["http://127.0.0.1/", "soon"],
        ["http://127.0.0.1/", "0"],
        ["http://127.0.0.1/", "inf"],
        ["http://127.0.0.1/", "1", "2"],
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], capsys: Caught) -> None:
    """With how it would be right."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m chassis.health_check")


def test_it_is_quick_and_loads_the_standard_library_alone() -> None:
    """As a container runs it."""
    program = "import runpy, sys; sys.argv[1:] = ['http://127.0.0.1:1/']\n"
    program += "try: runpy.run_module('chassis.health_check', run_name='__main__')\n"
    program += "except SystemExit as ended: print(ended.code, *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    code, *loaded = done.stdout.split()
    assert code == "1"
    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & {"aiohttp", "requests", "pydantic", "yaml", "ssl", "asyncio", "http"}
