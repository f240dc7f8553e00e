"""Drives a WebSocket echo with wsproto, a third party's implementation of RFC 6455.

Usage: wsproto_client.py PORT. Exit code 0: everything was as it should be.
"""

import socket
import sys

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

PATIENCE_S = 20


class Peer:
    def __init__(self, port, target):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.ready = []
        self.send(Request(host="127.0.0.1", target=target))

    def send(self, event):
        self.socket.sendall(self.ws.send(event))

    def next(self):
        """The next event; fragments of a message are put together."""
        text = ""
        while True:
            while not self.ready:
                data = self.socket.recv(65536)
                self.ws.receive_data(data if data else None)
                self.ready.extend(self.ws.events())
            event = self.ready.pop(0)
            if not isinstance(event, TextMessage):
                return event
            text += event.data
            if event.message_finished:
                return text


def expect(got, wanted):
    if got != wanted:
        raise SystemExit(f"expected {wanted!r}, got {got!r}")


def main():
    port = int(sys.argv[1])
    peer = Peer(port, "/ws/one")
    expect(type(peer.next()), AcceptConnection)
    expect(peer.next(), "hello one")
    for text in ["", "plain", "gr\u00fc\u00df dich \U0001f3f0", "x" * 125, "x" * 126, "y" * 65535, "z" * 65536]:
        peer.send(TextMessage(data=text))
        expect(peer.next(), text)
    peer.send(TextMessage(data="frag", message_finished=False))
    peer.send(Ping(payload=b"between"))
    peer.send(TextMessage(data="men", message_finished=False))
    peer.send(TextMessage(data="ted", message_finished=True))
    pong = peer.next()
    expect(type(pong), Pong)
    expect(bytes(pong.payload), b"between")
    expect(peer.next(), "fragmented")
    peer.send(CloseConnection(code=1000, reason="bye"))
    close = peer.next()
    expect(type(close), CloseConnection)
    expect(close.code, 1000)
    expect(peer.socket.recv(1), b"")

    other = Peer(port, "/ws/one")
    expect(type(other.next()), AcceptConnection)
    expect(other.next(), "hello one")
    other.send(BytesMessage(data=b"\x00\xff"))
    refused = other.next()
    expect(type(refused), CloseConnection)
    expect(refused.code, 1003)

    forbidden = Peer(port, "/ws/forbidden")
    rejected = forbidden.next()
    expect(type(rejected), RejectConnection)
    expect(rejected.status_code, 403)


main()
