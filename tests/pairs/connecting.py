import errno, os, select, socket, sys

for port in sys.argv[1:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setblocking(False)
    print("blocking", int(s.getblocking()))
    error = s.connect_ex(("127.0.0.1", int(port)))
    print("at once:", os.strerror(error))
    if error == errno.EINPROGRESS:
        poller = select.poll()
        poller.register(s, select.POLLOUT)
        poller.poll(10000)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    print("then:", os.strerror(error))
    if error == 0:
        print("again:", os.strerror(s.connect_ex(("127.0.0.1", int(port)))))
        s.setblocking(True)
        print("heard", s.recv(100).decode())
        print("peer", "%s:%d" % s.getpeername())
    s.close()
