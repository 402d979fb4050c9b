import os, socket, sys

s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
files = [os.open(path, os.O_RDONLY) for path in sys.argv[2:]]
print("sent", socket.send_fds(s, [b"here they are"], files))
data, fds, flags, address = socket.recv_fds(s, 100, 8)
print("received %s, %d descriptors, flags %d" % (data.decode(), len(fds), flags & socket.MSG_CTRUNC))
for fd in fds:
    print("contents", os.read(fd, 100).decode())
    os.close(fd)
s.close()
