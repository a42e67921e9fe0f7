"""Says hello to the stack's broker, as MQTT 3.1.1 does."""

import socket

from tests.stack.story import SERVICES


def mqtt_answer(user: str = "", password: str = "") -> int:
    """Say hello to the broker as MQTT 3.1.1 does; return its code, -1 for none; 0 is welcome."""

    def text(of: str) -> bytes:
        return len(of).to_bytes(2, "big") + of.encode()

    named = text(user) + text(password) if user else b""
    hello = text("MQTT") + bytes([4, 0xC2 if user else 2, 0, 60]) + text("stack-test") + named
    with socket.create_connection(("127.0.0.1", SERVICES["mosquitto"].port), timeout=10) as one:
        one.sendall(bytes([0x10, len(hello)]) + hello)
        answer = one.recv(4)
    return answer[3] if len(answer) == 4 else -1
