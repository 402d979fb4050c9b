#!/usr/bin/env python3
"""Constants, the resolver and services by libsockd and by Python, which must say the same.

The resolver is asked in namespaces of the test's own, with files of its own in place of /etc/hosts and the others."""

import ctypes
import errno
import os
import re
import socket
import struct
import tempfile

from names_common import (CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS, Tool, as_meant, finish, kinds, libc, run, skip,
                          unshare, verdict)

SOL_CAN_RAW, SOL_CAN_J1939, SOL_UDPLITE, SOL_TIPC, SOL_ALG = 101, 107, 136, 271, 279
AF_VSOCK, AF_CAN, AF_TIPC, AF_ALG, AF_BLUETOOTH = 40, 29, 30, 38, 31

# Which kind the names are of that Python has; the first that matches. None: their numbers have no way back.
KIND_OF = [
    (r"(has_ipv6|SOMAXCONN|IPPORT_.*|NI_MAX.*|IPX_TYPE)$", None),
    (r"(IP_DEFAULT_.*|IP_MAX_MEMBERSHIPS|IPV6_RTHDR_TYPE_0|VMADDR_PORT_ANY|VM_.*|IOCTL_.*)$", None),
    (r"(CAN_.*_MASK|J1939_.*|TIPC_WAIT_FOREVER|TIPC_(CFG|TOP)_SRV|HCI_DEV_NONE)$", None),
    (r"(BT_FLUSHABLE_O.*|BT_POWER_.*|BT_CHANNEL_POLICY_.*|RDS_RDMA_.*)$", None),
    (r"[AP]F_", ("FAMILY", 0, 0)),
    (r"SOCK_(CLOEXEC|NONBLOCK)$", ("TYPE_FLAG", 0, 0)),
    (r"SOCK_", ("TYPE", 0, 0)),
    (r"IPPROTO_", ("PROTOCOL", socket.AF_INET, 0)),
    (r"NETLINK_", ("PROTOCOL", socket.AF_NETLINK, 0)),
    (r"ETH_P_", ("PROTOCOL", socket.AF_PACKET, 0)),
    (r"BTPROTO_", ("PROTOCOL", AF_BLUETOOTH, 0)),
    (r"CAN_(RAW|BCM|ISOTP|J1939)$", ("PROTOCOL", AF_CAN, 0)),
    (r"SOL_(HCI|L2CAP|SCO|RFCOMM)$", ("LEVEL", AF_BLUETOOTH, 0)),
    (r"SOL_", ("LEVEL", 0, 0)),
    (r"SO_J1939_", ("OPTION", AF_CAN, SOL_CAN_J1939)),
    (r"SO_VM_", ("OPTION", AF_VSOCK, AF_VSOCK)),
    (r"SO_ORIGINAL_DST$", ("OPTION", 0, 0)),
    (r"SO_", ("OPTION", 0, socket.SOL_SOCKET)),
    (r"IP_", ("OPTION", 0, 0)),
    (r"IPV6_", ("OPTION", socket.AF_INET6, socket.IPPROTO_IPV6)),
    (r"TCP_", ("OPTION", 0, socket.IPPROTO_TCP)),
    (r"UDPLITE_", ("OPTION", 0, SOL_UDPLITE)),
    (r"ALG_SET_", ("OPTION", AF_ALG, SOL_ALG)),
    (r"CAN_RAW_", ("OPTION", AF_CAN, SOL_CAN_RAW)),
    (r"RDS_CMSG_", ("CONTROL", 0, 276)),
    (r"RDS_", ("OPTION", 0, 276)),
    (r"HCI_CHANNEL_", ("HCI_CHANNEL", 0, 0)),
    (r"HCI_", ("OPTION", AF_BLUETOOTH, 0)),
    (r"L2CAP_LM$", ("OPTION", AF_BLUETOOTH, 6)),
    (r"L2CAP_LM_", ("L2CAP_LINK_MODE", 0, 0)),
    (r"BT_SECURITY_", ("BLUETOOTH_SECURITY", 0, 0)),
    (r"BT_MODE_", ("BLUETOOTH_MODE", 0, 0)),
    (r"BT_VOICE_", ("BLUETOOTH_VOICE", 0, 0)),
    (r"BT_PHY_", ("BLUETOOTH_PHY", 0, 0)),
    (r"BT_", ("OPTION", AF_BLUETOOTH, 274)),
    (r"BDADDR_", ("BLUETOOTH_ADDRESS", 0, 0)),
    (r"TIPC_.*_IMPORTANCE$", ("TIPC_IMPORTANCE", 0, 0)),
    (r"TIPC_.*_SCOPE$", ("TIPC_SCOPE", 0, 0)),
    (r"TIPC_ADDR_", ("TIPC_ADDRESS", 0, 0)),
    (r"TIPC_SUB_", ("TIPC_SUBSCRIPTION", 0, 0)),
    (r"TIPC_(PUBLISHED|WITHDRAWN|SUBSCR_TIMEOUT)$", ("TIPC_EVENT", 0, 0)),
    (r"TIPC_", ("OPTION", AF_TIPC, SOL_TIPC)),
    (r"SCM_J1939_", ("CONTROL", AF_CAN, SOL_CAN_J1939)),
    (r"SCM_", ("CONTROL", 0, socket.SOL_SOCKET)),
    (r"MSG_", ("MESSAGE_FLAG", 0, 0)),
    (r"SHUT_", ("SHUTDOWN", 0, 0)),
    (r"AI_", ("ADDRINFO_FLAG", 0, 0)),
    (r"NI_", ("NAMEINFO_FLAG", 0, 0)),
    (r"EAI_", ("ADDRINFO_ERROR", 0, 0)),
    (r"E[A-Z0-9]+$", ("ERRNO", 0, 0)),
    (r"ETHERTYPE_", ("ETHERTYPE", 0, 0)),
    (r"INADDR_", ("INET_ADDRESS", 0, 0)),
    (r"PACKET_", ("PACKET_TYPE", 0, 0)),
    (r"CAN_(EFF|RTR|ERR)_FLAG$", ("CAN_ID_FLAG", 0, 0)),
    (r"CAN_BCM_(SETTIMER|STARTTIMER|TX_COUNTEVT|TX_ANNOUNCE|TX_CP_CAN_ID|RX_FILTER_ID|RX_CHECK_DLC|RX_NO_AUTOTIMER|"
     r"RX_ANNOUNCE_RESUME|TX_RESET_MULTI_IDX|RX_RTR_FRAME|CAN_FD_FRAME)$", ("CAN_BCM_FLAG", 0, 0)),
    (r"CAN_BCM_", ("CAN_BCM_OPCODE", 0, 0)),
    (r"ALG_OP_", ("ALG_OPERATION", 0, 0)),
    (r"VMADDR_CID_", ("VSOCK_CID", 0, 0)),
]

# What Python has had since 3.12, as it is on Linux: so that a test with an older one knows of it.
LATER = {
    "BDADDR_BREDR": 0, "BDADDR_LE_PUBLIC": 1, "BDADDR_LE_RANDOM": 2, "SOL_L2CAP": 6, "SOL_RFCOMM": 18, "SOL_SCO": 17,
    "SOL_BLUETOOTH": 274, "L2CAP_LM": 3, "L2CAP_LM_MASTER": 1, "L2CAP_LM_AUTH": 2, "L2CAP_LM_ENCRYPT": 4,
    "L2CAP_LM_TRUSTED": 8, "L2CAP_LM_RELIABLE": 16, "L2CAP_LM_SECURE": 32, "HCI_DEV_NONE": 65535, "HCI_CHANNEL_RAW": 0,
    "HCI_CHANNEL_USER": 1, "HCI_CHANNEL_MONITOR": 2, "HCI_CHANNEL_CONTROL": 3, "HCI_CHANNEL_LOGGING": 4,
    "BT_SECURITY": 4, "BT_SECURITY_SDP": 0, "BT_SECURITY_LOW": 1, "BT_SECURITY_MEDIUM": 2, "BT_SECURITY_HIGH": 3,
    "BT_SECURITY_FIPS": 4, "BT_DEFER_SETUP": 7, "BT_FLUSHABLE": 8, "BT_FLUSHABLE_OFF": 0, "BT_FLUSHABLE_ON": 1,
    "BT_POWER": 9, "BT_POWER_FORCE_ACTIVE_OFF": 0, "BT_POWER_FORCE_ACTIVE_ON": 1, "BT_CHANNEL_POLICY": 10,
    "BT_CHANNEL_POLICY_BREDR_ONLY": 0, "BT_CHANNEL_POLICY_BREDR_PREFERRED": 1, "BT_VOICE": 11,
    "BT_VOICE_TRANSPARENT": 3, "BT_VOICE_CVSD_16BIT": 96, "BT_VOICE_TRANSPARENT_16BIT": 99, "BT_SNDMTU": 12,
    "BT_RCVMTU": 13, "BT_PHY": 14, "BT_PHY_BR_1M_1SLOT": 1, "BT_PHY_LE_CODED_RX": 0x4000, "BT_MODE": 15,
    "BT_MODE_BASIC": 0, "BT_MODE_ERTM": 1, "BT_MODE_STREAMING": 2, "BT_MODE_LE_FLOWCTL": 3, "BT_MODE_EXT_FLOWCTL": 4,
    "BT_PKT_STATUS": 16, "BT_ISO_QOS": 17, "BT_CODEC": 19, "VMADDR_CID_LOCAL": 1, "ETHERTYPE_ARP": 0x806,
    "ETHERTYPE_IP": 0x800, "ETHERTYPE_IPV6": 0x86dd, "ETHERTYPE_VLAN": 0x8100, "ETH_P_ALL": 3, "SO_ORIGINAL_DST": 80,
    "SO_BINDTOIFINDEX": 62, "CAN_RAW_ERR_FILTER": 2, "RDS_CANCEL_SENT_TO": 1, "RDS_GET_MR": 2, "RDS_FREE_MR": 3,
    "RDS_RECVERR": 5, "RDS_CONG_MONITOR": 6, "RDS_GET_MR_FOR_DEST": 7, "RDS_CMSG_RDMA_ARGS": 1,
    "RDS_CMSG_RDMA_DEST": 2, "RDS_CMSG_RDMA_MAP": 3, "RDS_CMSG_RDMA_STATUS": 4, "RDS_RDMA_READWRITE": 1,
    "RDS_RDMA_FENCE": 2, "RDS_RDMA_INVALIDATE": 4, "RDS_RDMA_USE_ONCE": 8, "RDS_RDMA_DONTWAIT": 16,
    "RDS_RDMA_NOTIFY_ME": 32, "RDS_RDMA_SILENT": 64, "IP_RECVERR": 11, "IP_RECVORIGDSTADDR": 20, "IP_RECVTTL": 12,
    "IP_FREEBIND": 15, "IP_PKTINFO": 8, "IP_BLOCK_SOURCE": 38, "IP_UNBLOCK_SOURCE": 37,
    "IP_ADD_SOURCE_MEMBERSHIP": 39, "IP_DROP_SOURCE_MEMBERSHIP": 40, "IPV6_RECVERR": 25, "TCP_MD5SIG": 14,
    "TCP_THIN_LINEAR_TIMEOUTS": 16, "TCP_THIN_DUPACK": 17, "TCP_REPAIR": 19, "TCP_REPAIR_QUEUE": 20,
    "TCP_QUEUE_SEQ": 21, "TCP_REPAIR_OPTIONS": 22, "TCP_TIMESTAMP": 24, "TCP_CC_INFO": 26, "TCP_SAVE_SYN": 27,
    "TCP_SAVED_SYN": 28, "TCP_REPAIR_WINDOW": 29, "TCP_FASTOPEN_CONNECT": 30, "TCP_ULP": 31, "TCP_MD5SIG_EXT": 32,
    "TCP_FASTOPEN_KEY": 33, "TCP_FASTOPEN_NO_COOKIE": 34, "TCP_ZEROCOPY_RECEIVE": 35, "TCP_INQ": 36,
    "TCP_TX_DELAY": 37, "NI_IDN": 32, "CAN_BCM_CAN_FD_FRAME": 0x800,
}


def constants(tool):
    kind_numbers = kinds()
    known = {name: as_meant(name, int(value)) for name, value in vars(socket).items()
             if isinstance(value, int) and not name.startswith("_")}
    wrong, ways = [], 0
    for name, value in {**LATER, **known}.items():
        if tool.ask("constant", name) != ["ok", str(value)]:
            wrong.append(f"{name} is {value}, not {tool.ask('constant', name)}")
    verdict(f"all {len(known)} integers of Python's module, and {len(set(LATER) - set(known))} of later ones, "
            "have their numbers", wrong)

    wrong = []
    for name, value in {**LATER, **known}.items():
        kind = next((kind for pattern, kind in KIND_OF if re.match(pattern, name)), "?")
        if kind is None:
            continue
        if kind == "?":
            wrong.append(f"{name}: the test knows no kind for it")
            continue
        ways += 1
        answer = tool.ask("name", kind_numbers[kind[0]], kind[1], kind[2], value)
        # Another name of the same number will do, where the kind has two.
        if answer[0] != "ok" or tool.ask("constant", answer[1]) != ["ok", str(value)]:
            wrong.append(f"{name} = {value} of {kind} comes back as {answer}")
    verdict(f"{ways} numbers have names in their kinds", wrong)

    wrong = [name for name, number in vars(errno).items()
             if isinstance(number, int) and tool.ask("constant", name) != ["ok", str(number)]]
    verdict("the names of errno", wrong)
    # Python's enumerations are the same names.
    wrong = []
    for enumeration, kind in ((socket.AddressFamily, "FAMILY"), (socket.SocketKind, "TYPE"),
                              (socket.MsgFlag, "MESSAGE_FLAG"), (socket.AddressInfo, "ADDRINFO_FLAG")):
        for member in enumeration:
            if enumeration is socket.SocketKind and member.name in ("SOCK_CLOEXEC", "SOCK_NONBLOCK"):
                continue
            answer = tool.ask("name", kind_numbers[kind], 0, 0, int(member))
            if answer != ["ok", member.name]:
                wrong.append(f"{member!r} is {answer}")
    verdict("Python's enumerations have the same names", wrong)
    for name, value in (("SOCKD_BDADDR_ANY", "00:00:00:00:00:00"), ("SOCKD_BDADDR_LOCAL", "00:00:00:FF:FF:FF")):
        expected = getattr(socket, name.removeprefix("SOCKD_"), value)
        if value != expected:
            wrong.append(name)
    wrong = [name for name in ("", "AF_", "af_inet", "AF_INET ", "inet", "SO_", "E", "EWHAT", "CAN_BCM_", "x" * 5000)
             if tool.ask("constant", name) != ["error", "ENOENT"]]
    verdict("other names are none", wrong)


HOSTS = """\
127.0.0.1 localhost
::1 localhost ip6-localhost
10.9.8.7 short full.example.test other alias.example.test
10.9.8.8 one.example.test one
10.9.8.8 two.example.test
10.9.8.6 twice
10.9.8.5 twice
fd00::7 six sixth.example.test
fd00::8 both
10.9.8.4 both
10.9.8.3 bare nothing
10.9.8.2 thismachine thismachine.example.test
"""
SERVICES = """\
www 80/tcp http
www 80/udp
only-udp 4711/udp alias-udp
last 65535/tcp
"""
PROTOCOLS = """\
ip 0 IP
icmp 1 ICMP
tcp 6 TCP
udp 17 UDP
strange 254 ODD another
"""
NSSWITCH = "hosts: files\nservices: files\nprotocols: files\n"


def own_files(directory):
    """This process, and the tool after it, see these in place of the machine's."""
    unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS)
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    # Very long entries, which take a larger buffer.
    many = "10.9.9.9 many " + " ".join(f"name-{i}.example.test" for i in range(400)) + "\n"
    services = SERVICES + "large 4712/tcp " + " ".join(f"large-{i}" for i in range(400)) + "\n"
    for name, text in (("hosts", HOSTS + many), ("services", services), ("protocols", PROTOCOLS),
                       ("nsswitch.conf", NSSWITCH), ("resolv.conf", ""), ("host.conf", "multi on\n")):
        target = os.path.realpath(os.path.join("/etc", name))
        if not os.path.exists(target):
            continue
        path = os.path.join(directory, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o644)
        run("mount", "--bind", path, target)
    socket.sethostname("thismachine")


def python_host(call, name):
    """What Python says, in the tool's form."""
    try:
        host, aliases, addresses = call(name.encode())  # as bytes it is not made into IDNA
    except (socket.gaierror, socket.herror) as e:
        return ["error", str(e.args[0]), e.args[1]]
    except OSError as e:
        return ["error", e.args[0]]
    return ["ok", host, ",".join(aliases), ",".join(addresses)]


def python_value(call, *arguments):
    try:
        return ["ok", str(call(*arguments))]
    except (OSError, OverflowError):
        return ["error"]


def compare(name, pairs):
    verdict(f"{name} ({len(pairs)} of them)", [f"{what}: {ours} by libsockd, {theirs} by Python"
                                                for what, ours, theirs in pairs if ours != theirs])


def resolver(tool):
    names = ["localhost", "short", "full.example.test", "other", "one", "two.example.test", "twice", "six", "both",
             "bare", "many", "name-399.example.test", "absent", "absent.example.test", "10.9.8.7", "10.9.8.8",
             "10.9.8.6", "10.1.1.1", "127.1", "0x7f000001", "fd00::7", "fd00::8", "::1", "fd00::99", "::ffff:10.9.8.7",
             "fe80::1%lo", "256.1.1.1", "1.2.3.4.5", "<broadcast>", "-", "a" * 300, "x.", "..", "thismachine"]
    compare("gethostbyname_ex", [(n, tool.ask("host", n), python_host(socket.gethostbyname_ex, n))
                                 for n in names + [""]])
    compare("gethostbyaddr", [(n, tool.ask("address", n), python_host(socket.gethostbyaddr, n)) for n in names])
    verdict("gethostbyaddr has no address for nothing", [] if tool.ask("address", "")[:2] == ["error", "-2"] else ["it"])
    plain = [n for n in names if len(n) < 64 and n != ".."]
    compare("getfqdn", [(n, tool.ask("fqdn", n)[1], socket.getfqdn(n))
                        for n in plain + ["", " ", "0.0.0.0", "::", " short ", "\vone\f"]])
    # gethostbyname() is getaddrinfo() of IPv4.
    pairs = []
    for n in names[:-1]:
        if n == "<broadcast>":
            continue
        answer = tool.ask("addrinfo", n, "", int(socket.AF_INET), int(socket.SOCK_DGRAM), 0, 0)
        ours = ["ok", answer[1].split()[4]] if answer[0] == "ok" else ["error"]
        pairs.append((n, ours, python_value(socket.gethostbyname, n.encode())))
    compare("gethostbyname", pairs)


def services(tool):
    pairs = []
    for protocol in ("tcp", "udp", "sctp", None):
        extra = [] if protocol is None else [protocol]
        for n in ("www", "http", "only-udp", "alias-udp", "last", "large", "large-399", "absent", "", "80", "w" * 3000):
            ours = tool.ask("service", n, *extra)
            pairs.append(((n, protocol), ours if ours[0] == "ok" else ["error"],
                          python_value(socket.getservbyname, n, *extra)))
        for n in (80, 4711, 4712, 65535, 0, 1, 65536, -1):
            ours = tool.ask("port", n, *extra)
            pairs.append(((n, protocol), ours if ours[0] == "ok" else ["error"],
                          python_value(socket.getservbyport, n, *extra)))
    compare("services", pairs)
    pairs = []
    for n in ("icmp", "ICMP", "tcp", "strange", "another", "ip", "absent", "", "1"):
        ours = tool.ask("protocol", n)
        pairs.append((n, ours if ours[0] == "ok" else ["error"], python_value(socket.getprotobyname, n)))
    compare("protocols", pairs)
    wrong = [(verb, tool.ask(*verb), expected) for verb, expected in (
        (("service", "absent"), ["error", "ENOENT"]), (("port", 2), ["error", "ENOENT"]),
        (("port", 65536), ["error", "EINVAL"]), (("port", -1), ["error", "EINVAL"]),
        (("protocol", "absent"), ["error", "ENOENT"])) if tool.ask(*verb) != expected]
    verdict("what is absent and what cannot be are told apart", wrong)


def text_of(family, address):
    if family == socket.AF_INET:
        host = "*" if address[0] == "0.0.0.0" else address[0]
        return host + (f":{address[1]}" if address[1] else "")
    scope = f"%{address[3]}" if address[3] else ""
    host = address[0].split("%")[0]
    host = "*" if host == "::" and not scope else host
    brackets = host == "*" or address[1]
    text = f"[{host}{scope}]" if brackets else host + scope
    return text + (f":{address[1]}" if address[1] else "")


def c_library(tool):
    """What is one call there has no other name here: it says what Python says."""
    pairs = []
    for host, service, family, kind, flags in (
            ("localhost", "www", 0, 0, 0), ("short", "80", 0, socket.SOCK_STREAM, socket.AI_CANONNAME),
            ("", "www", 0, socket.SOCK_STREAM, socket.AI_PASSIVE), ("twice", "", 0, socket.SOCK_DGRAM, 0),
            ("both", "0", socket.AF_INET6, socket.SOCK_STREAM, 0), ("absent", "80", 0, 0, 0),
            ("short", "80", 0, 0, socket.AI_NUMERICHOST), ("localhost", "no-service", 0, socket.SOCK_STREAM, 0),
            ("fe80::1%lo", "80", 0, socket.SOCK_STREAM, 0), ("localhost", "80", 99, 0, 0),
            ("both", "80", socket.AF_INET6, socket.SOCK_STREAM, socket.AI_V4MAPPED | socket.AI_ALL),
            ("localhost", "80", 0, 0, 1 << 30)):
        try:
            theirs = ["ok"] + [f"{int(f)} {int(t)} {p} {c or '-'} {text_of(f, a)}" for f, t, p, c, a in
                               socket.getaddrinfo(host or None, service or None, family, kind, 0, flags)]
        except socket.gaierror as e:
            theirs = ["error", str(e.args[0]), e.args[1]]
        pairs.append(((host, service), tool.ask("addrinfo", host, service, int(family), int(kind), 0, int(flags)), theirs))
    compare("getaddrinfo(3) and the words for its errors", pairs)
    pairs = []
    for family, text, address, flags in (
            (2, "10.9.8.7:80", ("10.9.8.7", 80), 0), (2, "10.9.8.7:80", ("10.9.8.7", 80), socket.NI_NUMERICHOST),
            (2, "10.9.8.7:4711", ("10.9.8.7", 4711), socket.NI_DGRAM), (10, "[fd00::7]:80", ("fd00::7", 80, 0, 0), 0),
            (2, "10.1.1.1:9", ("10.1.1.1", 9), socket.NI_NAMEREQD), (2, "10.1.1.1:9", ("10.1.1.1", 9), 0),
            (10, "[fe80::1%1]:80", ("fe80::1", 80, 0, 1), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)):
        try:
            theirs = ["ok", *socket.getnameinfo(address, flags)]
        except socket.gaierror as e:
            theirs = ["error", str(e.args[0]), e.args[1]]
        pairs.append(((text, int(flags)), tool.ask("nameinfo", family, text, int(flags)), theirs))
    compare("getnameinfo(3) and the words for its errors", pairs)

    run("ip", "link", "add", "names0", "type", "veth", "peer", "name", "names1")
    theirs = [f"{index} {name}" for index, name in socket.if_nameindex()]
    pairs = [("if_nameindex", tool.ask("interfaces")[1:], theirs)]
    for index, name in socket.if_nameindex():
        buffer = ctypes.create_string_buffer(16)
        libc.if_indextoname.restype = ctypes.c_char_p
        pairs.append((name, libc.if_nametoindex(name.encode()), socket.if_nametoindex(name)))
        pairs.append((index, libc.if_indextoname(index, buffer).decode(), socket.if_indextoname(index)))
    pairs.append(("no interface", libc.if_nametoindex(b"absent") == 0, python_value(socket.if_nametoindex, "absent")[0] == "error"))
    compare("interfaces", pairs)

    name = ctypes.create_string_buffer(65)
    libc.gethostname(name, 65)
    pairs = [("gethostname", name.value.decode(), socket.gethostname())]
    libc.sethostname(b"renamed", 7)
    pairs.append(("sethostname", "renamed", socket.gethostname()))
    for call, numbers in (("htons", (0, 1, 0x1234, 65535)), ("ntohs", (0x1234,)), ("htonl", (1, 0x12345678)),
                          ("ntohl", (0x12345678,))):
        function = getattr(libc, call)
        function.restype = ctypes.c_uint16 if call.endswith("s") else ctypes.c_uint32
        pairs += [((call, n), function(n), getattr(socket, call)(n)) for n in numbers]
    for text in ("127.0.0.1", "127.1", "0x7f.1", "1.2.3.4 x", "256.0.0.1", ""):
        packed = ctypes.create_string_buffer(4)
        good = libc.inet_aton(text.encode(), packed)
        pairs.append((("inet_aton", text), ["ok", str(packed.raw)] if good else ["error"],
                      python_value(socket.inet_aton, text)))
    for family, text in ((socket.AF_INET, "1.2.3.4"), (socket.AF_INET, "1.2.3"), (socket.AF_INET6, "fd00::1"),
                         (socket.AF_INET6, "::ffff:1.2.3.4"), (socket.AF_INET6, "fe80::1%lo"), (socket.AF_UNIX, "x")):
        packed = ctypes.create_string_buffer(16)
        good = libc.inet_pton(int(family), text.encode(), packed) == 1
        size = 4 if family == socket.AF_INET else 16
        pairs.append((("inet_pton", text), ["ok", str(packed.raw[:size])] if good else ["error"],
                      python_value(socket.inet_pton, family, text)))
        if good:
            back = ctypes.create_string_buffer(64)
            libc.inet_ntop(int(family), packed, back, 64)
            pairs.append((("inet_ntop", text), back.value.decode(), socket.inet_ntop(family, packed.raw[:size])))
    libc.inet_ntoa.restype = ctypes.c_char_p
    pairs.append(("inet_ntoa", libc.inet_ntoa(struct.unpack("I", bytes([1, 2, 3, 4]))[0]).decode(),
                  socket.inet_ntoa(bytes([1, 2, 3, 4]))))
    for size in (0, 1, 4, 8, 13, 1000):
        pairs.append((("cmsg", size), tool.ask("cmsg", size)[1:],
                      [str(socket.CMSG_LEN(size)), str(socket.CMSG_SPACE(size))]))
    compare("names of hosts, byte order, numeric addresses, sizes of control messages", pairs)


def words(tool):
    pairs = []
    for error in (socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAMILY, socket.EAI_SERVICE, socket.EAI_MEMORY):
        libc.gai_strerror.restype = ctypes.c_char_p
        pairs.append((error, tool.ask("words", error, 0)[1], libc.gai_strerror(error).decode()))
    pairs += [("EAI_SYSTEM", tool.ask("words", socket.EAI_SYSTEM, errno.EACCES)[1], os.strerror(errno.EACCES)),
              (1, tool.ask("words", 1, 0)[1], "Unknown host"), (2, tool.ask("words", 2, 0)[1], "Host name lookup failure")]
    wrong = [n for n in (-1000, 0, 5, 1000, -2 ** 31, 2 ** 31 - 1) if not tool.ask("words", n, 0)[1]]
    compare("words for errors", pairs)
    verdict("words for errors that there are not", wrong)


def main():
    tool = Tool()
    constants(tool)
    words(tool)
    tool.end()
    if os.geteuid() != 0:
        skip("resolver", "needs root")
        finish()
    with tempfile.TemporaryDirectory(prefix="sockd-names-") as directory:
        os.chmod(directory, 0o755)
        own_files(directory)
        tool = Tool()
        resolver(tool)
        services(tool)
        c_library(tool)
        tool.end()
    finish()


main()
