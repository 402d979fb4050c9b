import socket, struct

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
s.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
print("port %d" % s.getsockname()[1], flush=True)
for _ in range(2):
    data, control, flags, address = s.recvmsg(5, socket.CMSG_SPACE(100))
    print("%s, cut off %d" % (data.decode(), flags & socket.MSG_TRUNC and 1))
    for level, kind, value in control:
        if (level, kind) == (socket.IPPROTO_IP, socket.IP_TTL):
            print("ttl", struct.unpack("i", value)[0])
        elif (level, kind) == (socket.IPPROTO_IP, 8):
            interface, _, destination = struct.unpack("=I4s4s", value)
            print("on", socket.if_indextoname(interface), "for", socket.inet_ntoa(destination))
    ttl = [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("i", 7))]
    print("sent", s.sendmsg([b"got ", data], ttl, 0, address), flush=True)
s.close()
