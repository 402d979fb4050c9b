import socket, sys

s = socket.create_connection(("localhost", int(sys.argv[1])), timeout=10)
reader = s.makefile("r")
writer = s.makefile("w")
s.close()
print("greeting:", reader.readline(), end="")
for word in ("one", "two", "three"):
    writer.write("say %s\n" % word)
    writer.flush()
    print("answer:", reader.readline(), end="")
writer.write("quit\n")
writer.close()
for line in reader:
    print("rest:", line, end="")
reader.close()
