import socket

print("dual stack", int(socket.has_dualstack_ipv6()))
server = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
print("port %d" % server.getsockname()[1], flush=True)
print("only IPv6:", server.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
server.settimeout(10)
for _ in range(2):
    connection, address = server.accept()
    print("connected by [%s]" % address[0], "timeout", connection.gettimeout(), flush=True)
    connection.sendall(address[0].encode())
    connection.close()
try:
    socket.create_server(("::1", server.getsockname()[1]), family=socket.AF_INET6)
except OSError as error:
    print(socket.errno.errorcode[error.errno])
server.settimeout(0.1)
try:
    server.accept()
except TimeoutError:
    print("timed out")
server.close()
