import socket, sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.3)
print("timeout", s.gettimeout())
for attempt in range(5):
    s.sendto(b"question %d" % attempt, ("127.0.0.1", int(sys.argv[1])))
    try:
        data, address = s.recvfrom(100)
    except TimeoutError:
        print("timed out")
        continue
    print("answer %s from %s:%d" % (data.decode(), *address))
    break
s.setblocking(False)
try:
    s.recvfrom(100)
except BlockingIOError as error:
    print(error.strerror)
s.close()
