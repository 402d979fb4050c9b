import select, socket

server = socket.create_server(("127.0.0.1", 0))
server.setblocking(False)
print("port %d" % server.getsockname()[1], flush=True)
clients = {}
poller = select.poll()
poller.register(server, select.POLLIN)
stop = False
while not stop or clients:
    for fd, events in poller.poll(10000):
        if fd == server.fileno():
            client, address = server.accept()
            client.setblocking(False)
            clients[client.fileno()] = client
            poller.register(client, select.POLLIN)
            print("new, now", len(clients), flush=True)
            continue
        data = clients[fd].recv(100)
        if data == b"stop":
            stop = True
        if data:
            for client in clients.values():
                client.send(data.upper())
        else:
            poller.unregister(fd)
            clients.pop(fd).close()
            print("gone, now", len(clients), flush=True)
try:
    server.accept()
except BlockingIOError as error:
    print(error.strerror)
server.close()
