import json, socket, struct, sys

def send_json(s, value):
    text = json.dumps(value).encode()
    s.sendall(struct.pack("!I", len(text)) + text)

def recv_json(file, most):
    header = file.read(4)
    if not header:
        return None
    size, = struct.unpack("!I", header)
    if size > most:
        raise ValueError("too large")
    return json.loads(file.read(size))

s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
file = s.makefile("rb")
send_json(s, {"hello": "w\u00f6rld", "list": [1, -2, None, True]})
for _ in range(2):
    value = recv_json(file, 1000)
    print(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
    value["seen"] = True
    send_json(s, value)
print("at the end" if recv_json(file, 1000) is None else "more")
file.close()
s.close()
