import socket, sys, threading

total = []

def serve(connection):
    count = 0
    while data := connection.recv(1000):
        connection.sendall(data)
        count += len(data)
    total.append(count)
    connection.close()

server = socket.create_server(("127.0.0.1", 0))
print("port %d" % server.getsockname()[1], flush=True)
threads = []
for _ in range(int(sys.argv[1])):
    connection, address = server.accept()
    print("connected by", address[0], flush=True)
    thread = threading.Thread(target=serve, args=(connection,))
    thread.start()
    threads.append(thread)
for thread in threads:
    thread.join()
server.close()
print("echoed", sum(total))
