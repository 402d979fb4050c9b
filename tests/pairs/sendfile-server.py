import socket, sys

server = socket.create_server(("127.0.0.1", 0))
print("port %d" % server.getsockname()[1], flush=True)
for offset, count in ((0, None), (100000, 5000), (299990, 50), (400000, 10)):
    connection, _ = server.accept()
    file = open(sys.argv[1], "rb")
    sent = connection.sendfile(file, offset, count)
    print("sent %d, the file is at %d" % (sent, file.tell()), flush=True)
    connection.shutdown(socket.SHUT_WR)
    connection.close()
    file.close()
connection, _ = server.accept()
connection.setblocking(False)
try:
    connection.sendfile(open(sys.argv[1], "rb"))
except ValueError:
    print("not on a non-blocking socket")
connection.close()
server.close()
