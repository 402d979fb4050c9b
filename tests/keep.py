"""Share, fromshare and the store of libsockd for the tests, by ctypes. SOCKD_LIBRARY says where the library is."""
import ctypes, os, socket

ANYONE, PROCESS, PIDFD, USER, GROUP = range(5)
NEW, TAKE, COMMON = 1, 2, 4
TICKET_SIZE = 71

lib = ctypes.CDLL(os.environ["SOCKD_LIBRARY"], use_errno=True)
lib.sockd_reason.restype = ctypes.c_char_p
lib.sockd_share.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_char_p, ctypes.c_size_t]
lib.sockd_store.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int64, ctypes.c_uint]
lib.sockd_fetch.argtypes = lib.sockd_forget.argtypes = [ctypes.c_char_p, ctypes.c_uint]


class Stored(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * 128), ("domain", ctypes.c_int), ("type", ctypes.c_int), ("protocol", ctypes.c_int),
                ("flags", ctypes.c_uint), ("age_usec", ctypes.c_int64), ("left_usec", ctypes.c_int64)]


def _done(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (os.strerror(error), lib.sockd_reason().decode()))
    return result


def share(sock, taker=ANYONE, who=0, seconds=0.0):
    buffer = ctypes.create_string_buffer(TICKET_SIZE)
    _done(lib.sockd_share(sock.fileno(), taker, who, int(seconds * 1e6), buffer, TICKET_SIZE))
    return buffer.value.decode()


def fromshare(ticket):
    return socket.socket(fileno=_done(lib.sockd_fromshare(ticket.encode())))


def store(sock, name, seconds=0.0, flags=0):
    _done(lib.sockd_store(sock.fileno(), name.encode(), int(seconds * 1e6), flags))


def fetch(name, flags=0):
    return socket.socket(fileno=_done(lib.sockd_fetch(name.encode(), flags)))


def forget(name, flags=0):
    _done(lib.sockd_forget(name.encode(), flags))


def stored():
    array = ctypes.POINTER(Stored)()
    n = _done(lib.sockd_stored(ctypes.byref(array)))
    names = [array[i].name.decode() for i in range(n)]
    ctypes.CDLL(None).free(array)
    return names
