import socket

manager = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0)
manager.bind(("skcipher", "cbc(aes)"))
manager.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, b"k" * 16)
operation, _ = manager.accept()
print("sent", operation.sendmsg_afalg([b"0123456789", b"abcdef"], op=socket.ALG_OP_ENCRYPT, iv=b"i" * 16))
print("encrypted", operation.recv(16).hex())
operation.close()
manager.close()
