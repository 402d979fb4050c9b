import socket, struct, sys

HEADER = struct.Struct("!HBxI")
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), None, ("127.0.0.1", 0))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print("no delay", int(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0))
for kind, payload in ((1, b"hello"), (2, b""), (65535, b"x" * 70000)):
    s.sendall(HEADER.pack(kind, 7, len(payload)) + payload)
    kind, flags, size = HEADER.unpack(s.recv(HEADER.size, socket.MSG_WAITALL))
    answer = s.recv(size, socket.MSG_WAITALL)
    print("kind %d flags %d, %d bytes, %d of them the same" % (kind, flags, len(answer), sum(a == b for a, b in zip(answer, payload))))
s.shutdown(socket.SHUT_WR)
print("end", len(s.recv(100)))
s.close()
