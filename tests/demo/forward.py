#!/usr/bin/env python3
"""forward.py ENTER PORT HOST TARGET   Makes a port of the cluster's own network one of this machine: who connects to PORT on
127.0.0.1 talks to TARGET on HOST. ENTER is the cluster's program that starts others inside. Prints `ready`."""
import os
import socket
import sys
import threading


def main():
    enter, port, host, target, *listening = sys.argv[1:]
    if not listening:
        # A socket stays in the network where it was made, also when it is handed on.
        listener = socket.create_server(("127.0.0.1", int(port)))
        listener.set_inheritable(True)
        # All arguments again: by its command line it is known as a part of the cluster, and ended with it.
        os.execv(enter, [enter, sys.executable, *sys.argv, str(listener.fileno())])
    listener = socket.socket(fileno=int(listening[0]))
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, (host, int(target))), daemon=True).start()


def serve(client, address):
    """One connection, until both sides have ended it."""
    with client:
        try:
            server = socket.create_connection(address, timeout=10)
        except OSError:
            return
        with server:
            server.settimeout(None)
            answering = threading.Thread(target=pump, args=(server, client), daemon=True)
            answering.start()
            pump(client, server)
            answering.join()


def pump(source, target):
    """Everything from one side to the other, and then that there is no more."""
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: so is the other.
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


if __name__ == "__main__":
    main()
