#!/usr/bin/env python3
"""The schema takes every example, and every file named, and refuses what sockd refuses by its form."""

import copy
import json
import pathlib
import sys

try:
    import jsonschema
    validator_class = jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    print("SKIP: python3-jsonschema is missing or knows no draft 2020-12")
    sys.exit(77)

top = pathlib.Path(__file__).resolve().parent.parent.parent
schema = json.loads((top / "policy/sockd-policy.schema.json").read_text())
validator_class.check_schema(schema)
validator = validator_class(schema)
failures = 0

examples = sorted((top / "examples/policy.d").glob("*.json"))
if not examples:
    print("FAIL: there are no examples")
    failures += 1
for example in examples + [pathlib.Path(name) for name in sys.argv[1:]]:
    errors = list(validator.iter_errors(json.loads(example.read_text())))
    for error in errors:
        print(f"FAIL: {example.name}: {error.json_path}: {error.message}")
    failures += len(errors)

RULE = {"name": "r", "peers": "any", "family": "inet", "type": "stream", "ports": [80, "443-444"]}


def with_rule(**changes):
    rule = copy.deepcopy(RULE)
    rule.update(changes)
    return {"rules": [{key: value for key, value in rule.items() if value is not None}]}


good = [
    {"rules": []},
    with_rule(),
    with_rule(peers={"user": ["a", "b"], "gid": "5-9"}, listener="tenant"),
    with_rule(unit=["can.service", "can@*.service"], slice="-.slice", **{"user-unit": "a\\x2db.scope"}),
    with_rule(options={"SO_MARK": [1, "5-9", -1], "SO_BINDTODEVICE": "veth*", "SO_PRIORITY": "any"}),
    with_rule(family="netlink", type=None, ports=None, protocol=0, groups="any", messages=["RTM_NEWLINK", 7]),
    with_rule(family="netlink", type=None, ports=None, protocol="generic", messages="WG_CMD_SET_DEVICE"),
    with_rule(interfaces=["eth0", "veth*"], netns="peer", owner="peer"),
    with_rule(family=["rds", "smc"], type=None, ports="4000-4010", addresses=["10.0.0.0/8", "::1"]),
    with_rule(family="qipcrtr", type="dgram", ports=[100, 4294967294]),
    with_rule(family=["tipc", "alg", "xdp", "key"], type=None, ports=None),
    with_rule(family="bluetooth", type=None, ports=None, protocol="hci", channels=["raw", "user"], devices="hci0",
              opcodes=["HCI_OP_RESET", 3075, "0x2000-0x20ff"]),
    with_rule(family="bluetooth", type=None, ports=None, protocol="hci", events=["0x3e", 5], opcodes="any"),
    with_rule(family="bluetooth", ports=None, protocol="l2cap", psms=[1, "0x0025"], cids="any", transports="le"),
    with_rule(family="bluetooth", ports=None, protocol="rfcomm", channels=[1, "3-5"]),
    {"rules": [], "limits": {"grants-per-user": 5}, "description": "d"},
    with_rule(family="can", type=None, ports=None, protocol="raw", interfaces="vcan0", direction="receive", mark=7,
              identifiers=[5, "5", "0x123", "0x18fef100", "0x100-0x1ff", "0x100/0x700", "0x18fef100/0x1fffff00",
                           "error"]),
    with_rule(family="can", type=None, ports=None, protocol="isotp", identifiers=["00000123", "0x7ff", "0x1fffffff"]),
    with_rule(protocol="tcp", interfaces=["a\u00a0b", "\u00e9" * 7]),
    with_rule(family=["Netlink", 16, "AF_ROUTE"], type=None, ports=None, protocol="route", groups=[1, "1-5"],
              messages=65535),
    with_rule(family="netlink", type=None, ports=None, protocol="route", effect="deny", messages="RTM_NEWLINK",
              interfaces="eth0"),
    with_rule(family="can", type=None, ports=None, effect="deny", direction="both"),
    with_rule(family=["AF_BLUETOOTH", 31], type=None, ports=None, protocol=["Hci", 1], devices="hci65534"),
    with_rule(family="bluetooth", type=None, ports=None, protocol=1, events=63),
    with_rule(family="bluetooth", ports=None, protocol=["default"], psms=["0x0001", 65535], cids=4),
    with_rule(family="bluetooth", ports=None, protocol="rfcomm", channels="any"),
    with_rule(family="packet", type=None, ports=None, protocol="arp", actions="share"),
    with_rule(ports=None, actions="share"),
    with_rule(ports=None, actions=["share", "store"], common=False),
    with_rule(ports=None, actions=["share", "receive"], netns="any"),
    with_rule(ports=None, actions=["store", "fetch"], names=["web-*", "a", "*"], common=True),
    {"rules": [], "limits": {"kept-per-user": 5}},
]
bad = [
    [],
    {},
    {"rules": {}},
    {"rules": [], "rulez": []},
    {"rules": [], "limits": {"grants-per-user": 0}},
    {"rules": [], "limits": {"grants": 5}},
    with_rule(name=None),
    with_rule(name="has space"),
    with_rule(name="x" * 64),
    with_rule(peers=None),
    with_rule(peers="all"),
    with_rule(peers={}),
    with_rule(peers={"uid": -1}),
    with_rule(peers={"uid": 4294967295}),
    with_rule(peers={"uid": []}),
    with_rule(peers={"users": "a"}),
    with_rule(unit="can"),
    with_rule(unit="a/b.service"),
    with_rule(unit="a.slice"),
    with_rule(unit=[]),
    with_rule(slice="a*.slice"),
    with_rule(slice="a.service"),
    with_rule(effect="deny", ports=None, **{"user-unit": "a.service"}),
    with_rule(family=None),
    with_rule(family=[]),
    with_rule(family=0),
    with_rule(type=99),
    with_rule(protocol=1.5),
    with_rule(ports="80"),
    with_rule(ports=[]),
    with_rule(ports=-1),
    with_rule(portz=80),
    with_rule(family="netlink", type=None, ports=None, protocol="generic", messages=21),
    with_rule(family="netlink", type=None, ports=None, protocol=["generic"], messages=["WG_CMD_SET_DEVICE", "21-22"]),
    with_rule(family="netlink", type=None, ports=None, protocol="generic", messages="any"),
    with_rule(interfaces="a*b"),
    with_rule(interfaces="sixteen-letters-"),
    with_rule(interfaces=".."),
    with_rule(options={}),
    with_rule(options={"SO_MARK": None, "SO_PRIORITY": []}),
    with_rule(netns=".."),
    with_rule(netns="a/b"),
    with_rule(owner="root"),
    with_rule(devices="eth0"),
    with_rule(devices=[]),
    with_rule(channels="listen"),
    with_rule(opcodes="RESET"),
    with_rule(opcodes=65536),
    with_rule(psms="0x"),
    with_rule(events=-1),
    with_rule(transports="air"),
    with_rule(effect="block"),
    with_rule(effect="deny", owner="peer"),
    with_rule(effect="deny", mark=5),
    with_rule(effect="deny", identifiers=5),
    with_rule(identifiers=2048),
    with_rule(identifiers=-1),
    with_rule(identifiers=[]),
    with_rule(identifiers="0x1234"),
    with_rule(identifiers="0x100-0x00000200"),
    with_rule(identifiers="any"),
    with_rule(direction="in"),
    with_rule(mark=0),
    with_rule(mark="7"),
    with_rule(actions="share"),
    with_rule(ports=None, actions="open"),
    with_rule(ports=None, actions=[]),
    with_rule(ports=None, names="a"),
    with_rule(ports=None, common=True),
    with_rule(ports=None, actions="store", names="a*b"),
    with_rule(ports=None, actions="store", names="a", common="yes"),
    with_rule(ports=None, actions="share", owner="peer"),
    with_rule(ports=None, actions="share", names="a"),
    with_rule(ports=None, actions=["store", "receive"], names="a"),
    with_rule(ports=None, actions="share", common=False),
    with_rule(ports=None, actions="store", common=True),
    with_rule(effect="deny", interfaces="eth0"),
    with_rule(effect="deny", family="can", type=None, ports=None, direction="send"),
    with_rule(effect="deny", family="bluetooth", ports=None, protocol="l2cap", cids=4),
    with_rule(family="packet", type=None, ports=None, protocol="arp"),
    with_rule(family=["inet", 17], ports=None, protocol=0),
    with_rule(interfaces="a\u0001b"),
    with_rule(interfaces="a b"),
    with_rule(direction="both"),
    with_rule(family="can", ports=None, identifiers="0x999"),
    with_rule(groups=1, protocol="tcp"),
    with_rule(family="netlink", type=None, ports=None, groups=1),
    with_rule(family="netlink", type=None, ports=None, protocol="route", groups=0),
    with_rule(family="netlink", type=None, ports=None, protocol="route", groups="0-5"),
    with_rule(family="netlink", type=None, ports=None, protocol="route", groups=["any"]),
    with_rule(family="netlink", type=None, ports=None, protocol="route", messages=65536),
    with_rule(family="netlink", type=None, ports=None, protocol="route", messages=["any"]),
    with_rule(family="bluetooth", ports=None, protocol="hci", devices="hci65535"),
    with_rule(family="bluetooth", ports=None, protocol="hci", channels="any"),
    with_rule(family="bluetooth", ports=None, protocol="hci", channels=1),
    with_rule(family="bluetooth", ports=None, protocol="hci", events=64),
    with_rule(family="bluetooth", ports=None, protocol="rfcomm", channels=["any"]),
    with_rule(family="bluetooth", ports=None, protocol="rfcomm", channels="raw"),
    with_rule(family="bluetooth", ports=None, protocol="rfcomm", channels=31),
    with_rule(family="bluetooth", ports=None, protocol="l2cap", psms=0),
    with_rule(family="bluetooth", ports=None, protocol="l2cap", psms="0x0000-0x0005"),
    with_rule(family="bluetooth", ports=None, protocol="l2cap", cids="0"),
    with_rule(family="bluetooth", ports=None, protocol="l2cap", transports="le"),
    with_rule(family="bluetooth", ports=None, protocol=["l2cap", "rfcomm"], psms=1),
]
for policy in good:
    for error in validator.iter_errors(policy):
        print(f"FAIL: refused though good: {json.dumps(policy)}: {error.message}")
        failures += 1
for policy in bad:
    if validator.is_valid(policy):
        print(f"FAIL: taken though bad: {json.dumps(policy)}")
        failures += 1

print(f"{len(examples)} examples, {len(good)} good and {len(bad)} bad policies: {failures} failures")
sys.exit(1 if failures else 0)
