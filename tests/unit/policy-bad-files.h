/*
 * Policy files with one thing wrong each, and what is said of it. The JSON library's own words
 * after "not valid JSON" are not compared.
 */
#ifndef SOCKD_TESTS_UNIT_POLICY_BAD_FILES_H
#define SOCKD_TESTS_UNIT_POLICY_BAD_FILES_H

static const struct {
	const char *what, *text, *errors;
} bad[] = {
	{"syntax", "{\"rules\": [\n  {\"name\": \"r\",}\n]}",
		"p.json:2:16: not valid JSON: string or '}' expected near '}'\n"},
	{"twice_key", "{\"rules\": [],\n \"rules\": []}",
		"p.json:2:8: not valid JSON: duplicate object key near '\"rules\"'\n"},
	{"nul", "{\"rules\": [],\n \"description\": \"a\\u0000b\"}",
		"p.json:2:26: not valid JSON: a string holds the character NUL (\\u0000); take it "
		"out\n"},
	{"cut_off", "{\"rules\": [\n",
		"p.json:2:1: not valid JSON: ']' expected near end of file\n"},
	{"bad_utf8", "{\"rules\": [], \"description\": \"\377\"}",
		"p.json:1:30: not valid JSON: unable to decode byte 0xff near '\"'\n"},
	{"top_list", "\n []", "p.json:2:2: a policy is an object: {\"rules\": [...]}\n"},
	{"no_rules", "{\"description\": \"x\"}",
		"p.json:1:1: \"rules\" is missing; an empty list is written \"rules\": []\n"},
	{"top_key", "{\n\t\"rulez\": [],\n\t\"rules\": []}",
		"p.json:2:2: unknown key \"rulez\"; the nearest known one is \"rules\"\n"},
	{"escaped_key", "{\"rules\": [],\n \"ru\\u006ces2\": 1}",
		"p.json:2:2: unknown key \"rules2\"; the nearest known one is \"rules\"\n"},
	{"description_type", "{\"rules\": [],\n \"description\": 5}",
		"p.json:2:17: this is a number; give a string\n"},
	{"rules_type", "{\"rules\": {}}",
		"p.json:1:11: \"rules\" must be a list of rules: [{...}, ...]\n"},
	{"rule_type", "{\"rules\": [\n 5]}",
		"p.json:2:2: a rule is an object: {\"name\": ..., \"peers\": ..., \"family\": "
		"...}\n"},
	{"limits_type", "{\"limits\": 5, \"rules\": []}",
		"p.json:1:12: \"limits\" must be an object, such as {\"grants-per-user\": 1000}\n"},
	{"limits_key", "{\"limits\": {\"grant-per-user\": 5}, \"rules\": []}",
		"p.json:1:13: unknown key \"grant-per-user\"; the nearest known one is "
		"\"grants-per-user\"\n"},
	{"limits_zero", "{\"limits\": {\"grants-per-user\": 0}, \"rules\": []}",
		"p.json:1:32: 0 is out of range; give a number from 1 to 1000000000\n"},
	{"limits_real", "{\"limits\": {\"grants-per-user\": 1.5}, \"rules\": []}",
		"p.json:1:32: this is a number with a fraction; give a number\n"},
	{"name_missing", "{\"rules\": [\n  {\"peers\": \"any\", \"family\": \"inet\"}\n]}",
		"p.json:2:3: \"name\" is missing; give each rule a name of its own\n"},
	{"name_bad",
		"{\"rules\": [\n  {\"name\": \"a b\", \"peers\": \"any\", \"family\": "
		"\"inet\"}\n]}",
		"p.json:2:12: \"a b\" is no rule's name; use 1 to 63 letters, digits, and . _ -\n"},
	{"name_type",
		"{\"rules\": [\n  {\"name\": null, \"peers\": \"any\", \"family\": \"inet\"}\n]}",
		"p.json:2:12: this is null; give the rule's name as a string\n"},
	{"name_twice",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\"},\n  "
		"{\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\"}\n]}",
		"p.json:3:12: rule r: the name is already used at p.json:2; give each rule its "
		"own\n"},
	{"peers_missing", "{\"rules\": [\n  {\"name\": \"r\", \"family\": \"inet\"}\n]}",
		"p.json:2:3: rule r: \"peers\" is missing; say whom the rule is for, or \"any\"\n"},
	{"peers_word",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"all\", \"family\": \"inet\"}\n]}",
		"p.json:2:26: rule r: peers are \"any\", or an object that names some by \"user\", "
		"\"group\", \"uid\" or \"gid\"\n"},
	{"peers_empty",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {}, \"family\": \"inet\"}\n]}",
		"p.json:2:26: rule r: peers are \"any\", or an object that names some by \"user\", "
		"\"group\", \"uid\" or \"gid\"\n"},
	{"peers_key",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"users\": \"x\"}, \"family\": "
		"\"inet\"}\n]}",
		"p.json:2:27: rule r: unknown key \"users\"; the nearest known one is \"user\"\n"},
	{"peers_user",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"user\": [\"root\", "
		"\"no-such-user\"]}, \"family\": \"inet\"}\n]}",
		"p.json:2:44: rule r: no user \"no-such-user\" on this system; create it, or give "
		"a number under \"uid\"\n"},
	{"peers_group",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"group\": \"no-such-group\"}, "
		"\"family\": \"inet\"}\n]}",
		"p.json:2:36: rule r: no group \"no-such-group\" on this system; create it, or "
		"give a number under \"gid\"\n"},
	{"peers_uid",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"uid\": [1, \"9-5\"]}, "
		"\"family\": \"inet\"}\n]}",
		"p.json:2:38: rule r: the range \"9-5\" ends before it begins; write \"5-9\"\n"},
	{"peers_uid_text",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"uid\": \"5\"}, \"family\": "
		"\"inet\"}\n]}",
		"p.json:2:34: rule r: \"5\" is not a range; give a user's number as a number or as "
		"a range \"FIRST-LAST\"\n"},
	{"peers_uid_max",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"uid\": 4294967295}, \"family\": "
		"\"inet\"}\n]}",
		"p.json:2:34: rule r: 4294967295 is out of range; give a user's number as a number "
		"or as a range \"FIRST-LAST\" from 0 to 4294967294\n"},
	{"peers_uid_range_max",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"uid\": \"0-4294967295\"}, "
		"\"family\": \"inet\"}\n]}",
		"p.json:2:34: rule r: the range \"0-4294967295\" goes beyond a user's number, "
		"which is from 0 to 4294967294\n"},
	{"peers_uid_huge",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"uid\": "
		"\"0-99999999999999999999\"}, \"family\": \"inet\"}\n]}",
		"p.json:2:34: rule r: \"0-99999999999999999999\" is not a range; give a user's "
		"number as a number or as a range \"FIRST-LAST\"\n"},
	{"peers_gid_empty",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": {\"gid\": []}, \"family\": "
		"\"inet\"}\n]}",
		"p.json:2:34: rule r: the list is empty, which gives nothing; name something or "
		"leave the key out\n"},
	{"key",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"pots\": 80}\n]}",
		"p.json:2:51: rule r: unknown key \"pots\"; the nearest known one is \"ports\"\n"},
	{"effect",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"block\"}\n]}",
		"p.json:2:61: rule r: the effect is \"allow\" or \"deny\"\n"},
	{"owner",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"owner\": \"root\"}\n]}",
		"p.json:2:60: rule r: the owner can only be \"peer\"; leave the key out for "
		"sockd's own user\n"},
	{"listener",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"listener\": [\"a\", \"b/c\"]}\n]}",
		"p.json:2:69: rule r: \"b/c\" is no listener's name; use letters, digits, and . _ "
		"-\n"},
	{"unit_without_ending",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"unit\": \"can\"}\n]}",
		"p.json:2:59: rule r: \"can\" is no unit's name; give it with its ending, such as "
		"\"can.service\" or \"can@*.service\"\n"},
	{"unit_bad",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"unit\": [\"a.service\", \"a/b.service\"]}\n]}",
		"p.json:2:73: rule r: \"a/b.service\" is no unit's name; give it with its ending, "
		"such as \"can.service\" or \"can@*.service\"\n"},
	{"unit_slice",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"unit\": \"a.slice\"}\n]}",
		"p.json:2:59: rule r: \"a.slice\" is a slice; name it under \"slice\"\n"},
	{"slice_bad",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"slice\": \"a*.slice\"}\n]}",
		"p.json:2:60: rule r: \"a*.slice\" is no slice's name; give one such as "
		"\"system.slice\"\n"},
	{"slice_type",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"slice\": 5}\n]}",
		"p.json:2:60: rule r: this is a number; give a slice's name\n"},
	{"user_unit_denied",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"user-unit\": \"a.service\"}\n]}",
		"p.json:2:82: rule r: a user moves its programs between its own units as it likes, "
		"so that denying one cannot be kept; deny the user\n"},
	{"family_missing", "{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\"}\n]}",
		"p.json:2:3: rule r: \"family\" is missing; name the socket family, such as "
		"\"inet\"\n"},
	{"family_name",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": [\"inet\", "
		"\"intet\"]}\n]}",
		"p.json:2:52: rule r: unknown family \"intet\"; give a name such as \"inet\" or "
		"\"packet\", or a number\n"},
	{"option_of_another_family",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": [\"inet\", "
		"\"packet\"],\n   \"options\": {\"SO_MARK\": 5,\n    \"HCI_FILTER\": \"any\"}}\n]}",
		"p.json:4:5: rule r: no socket of the rule's \"family\" has HCI_FILTER; take it "
		"out, or name its family too\n"},
	{"family_none",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": "
		"\"unspec\"}\n]}",
		"p.json:2:43: rule r: unknown family \"unspec\"; give a name such as \"inet\" or "
		"\"packet\", or a number\n"},
	{"family_number",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": 0}\n]}",
		"p.json:2:43: rule r: 0 is out of range; give a family's name or number from 1 to "
		"65535\n"},
	{"type_name",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"streem\"}\n]}",
		"p.json:2:59: rule r: unknown type \"streem\"; give a name such as \"stream\", "
		"\"dgram\" or \"raw\", or a number\n"},
	{"type_number",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": 16}\n]}",
		"p.json:2:59: rule r: 16 is out of range; give a type's name or number from 1 to "
		"15\n"},
	{"protocol_name",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"protocol\": [\"tcp\", \"tpc\"]}\n]}",
		"p.json:2:71: rule r: unknown protocol \"tpc\" of family inet; give a name of that "
		"family or a number, or a rule for each family\n"},
	{"protocol_of_one",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": [\"inet\", "
		"\"netlink\"], \"protocol\": \"tcp\"}\n]}",
		"p.json:2:76: rule r: unknown protocol \"tcp\" of family netlink; give a name of "
		"that family or a number, or a rule for each family\n"},
	{"type_packet",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"packet\"}\n]}",
		"p.json:2:59: rule r: inet sockets of type packet are packet sockets; name family "
		"\"packet\"\n"},
	{"ports_range",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"stream\", \"ports\": 65536}\n]}",
		"p.json:2:78: rule r: 65536 is out of range; give a port as a number or as a range "
		"\"FIRST-LAST\" from 0 to 65535\n"},
	{"ports_text",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"stream\", \"ports\": [\"http\"]}\n]}",
		"p.json:2:79: rule r: \"http\" is not a range; give a port as a number or as a "
		"range \"FIRST-LAST\"\n"},
	{"ports_raw",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"ports\": 80}\n]}",
		"p.json:2:60: rule r: a raw socket has no port and its holder may bind it again; "
		"add \"type\": \"stream\" or \"dgram\"\n"},
	{"addresses_bad",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"stream\", \"addresses\": [\"10.0.0.0/8\", \"10.0.0\"]}\n]}",
		"p.json:2:97: rule r: \"10.0.0\" is no address; give a prefix such as "
		"\"10.0.0.0/8\" or \"::1\"\n"},
	{"addresses_family",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"stream\", \"addresses\": \"::1\"}\n]}",
		"p.json:2:82: rule r: \"::1\" is of a family that the rule does not name; add "
		"\"inet6\" to it\n"},
	{"addresses_packet",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"packet\",\n  "
		" \"addresses\": \"10.0.0.0/8\"}\n]}",
		"p.json:3:4: rule r: \"addresses\" are for inet, inet6, rds and smc, for unix, for "
		"vsock, or for bluetooth; give each of these a rule of its own\n"},
	{"addresses_unix",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"unix\", "
		"\"addresses\": \"/run/x\"}\n]}",
		"p.json:2:64: rule r: \"/run/x\" is no abstract name; give one as \"@NAME\", where "
		"* ? and [] match as in file names\n"},
	{"addresses_vsock",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"vsock\", "
		"\"addresses\": \"guest\"}\n]}",
		"p.json:2:65: rule r: \"guest\" is no vsock address; give a context identifier as "
		"a number, or \"any\", \"hypervisor\", \"local\" or \"host\"\n"},
	{"interface_long",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"interfaces\": \"sixteen-letters-\"}\n]}",
		"p.json:2:65: rule r: \"sixteen-letters-\" is no interface's name; give at most 15 "
		"characters without space, / and :, with * only at the end\n"},
	{"interface_star",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"interfaces\": [\"a*b\"]}\n]}",
		"p.json:2:66: rule r: \"a*b\" is no interface's name; give at most 15 characters "
		"without space, / and :, with * only at the end\n"},
	{"interface_udp",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"interfaces\": \"eth0\", \"type\": \"dgram\", \"protocol\": \"udp\"}\n]}",
		"p.json:2:65: rule r: connect(AF_UNSPEC) frees any but a TCP or MPTCP socket from "
		"its device; add \"type\": \"stream\" and \"protocol\": \"tcp\" or \"mptcp\", or "
		"confine by a network namespace (\"netns\")\n"},
	{"options_type",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"options\": [\"SO_MARK\"]}\n]}",
		"p.json:2:62: rule r: \"options\" must be an object with values by option, such as "
		"{\"SO_MARK\": 5}\n"},
	{"options_name",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"options\": {\"SO_MARC\": 5}}\n]}",
		"p.json:2:63: rule r: unknown option \"SO_MARC\"; give one that sockd knows, as in "
		"the C headers (\"SO_MARK\")\n"},
	{"options_value",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"options\": {\"SO_MARK\": [1, true]}}\n]}",
		"p.json:2:78: rule r: this is true or false; give a value as a number or as a "
		"range \"FIRST-LAST\"\n"},
	{"options_range",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"options\": {\"SO_MARK\": 4294967296}}\n]}",
		"p.json:2:74: rule r: 4294967296 is out of range; give a value as a number or as a "
		"range \"FIRST-LAST\" from -2147483648 to 4294967295\n"},
	{"options_bytes",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"options\": {\"TCP_MD5SIG\": 1}}\n]}",
		"p.json:2:77: rule r: the value of TCP_MD5SIG is no number; the only value is "
		"\"any\"\n"},
	{"groups_family",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"groups\": 1}\n]}",
		"p.json:2:51: rule r: \"groups\" is for family netlink alone; give it a rule of "
		"its own\n"},
	{"groups_name",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"route\", \"groups\": \"RTNLGRP_LINKS\"}\n]}",
		"p.json:2:85: rule r: \"RTNLGRP_LINKS\" is not a multicast group of netlink "
		"protocol route; give a name such as \"RTNLGRP_LINK\", or a number\n"},
	{"groups_protocol",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"groups\": \"RTNLGRP_LINK\"}\n]}",
		"p.json:2:64: rule r: a name means nothing here without \"protocol\"; name the "
		"one netlink protocol\n"},
	{"messages_range",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"route\", \"messages\": 65536}\n]}",
		"p.json:2:87: rule r: 65536 is out of range; give a message type as a number or as "
		"a range \"FIRST-LAST\" from 0 to 65535\n"},
	{"generic_command",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"generic\", \"messages\": \"NBD_CMD_CONNECT\"}\n]}",
		"p.json:2:89: rule r: \"NBD_CMD_CONNECT\" is not a message type of netlink "
		"protocol "
		"generic; give a name such as \"ETHTOOL_MSG_FEATURES_SET\"\n"},
	{"generic_number",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"generic\", \"messages\": [\"WG_CMD_SET_DEVICE\", 21]}\n]}",
		"p.json:2:89: rule r: generic netlink gives its families numbers as they come, so "
		"a "
		"number may mean another one tomorrow; give names of commands, such as "
		"\"ETHTOOL_MSG_FEATURES_SET\"\n"},
	{"netlink_membership",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"effect\": \"deny\", \"protocol\": \"netfilter\", \"options\": "
		"{\"NETLINK_ADD_MEMBERSHIP\": 7}}\n]}",
		"p.json:2:108: rule r: which groups may be joined and left \"groups\" says; name "
		"them there, and take NETLINK_ADD_MEMBERSHIP and NETLINK_DROP_MEMBERSHIP out\n"},
	{"connector_messages",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"connector\", \"messages\": 3}\n]}",
		"p.json:2:91: rule r: what a message of connector, fib_lookup and iscsi does, its "
		"type does not say; take \"messages\" out\n"},
	{"generic_interfaces",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"generic\", \"messages\": \"TCP_METRICS_CMD_DEL\", \"interfaces\": "
		"\"lo\"}\n]}",
		"p.json:2:89: rule r: with \"interfaces\" only commands of ethtool, macsec and "
		"wireguard can be judged; take the others out, or \"interfaces\"\n"},
	{"netns_name",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"netns\": \"../x\"}\n]}",
		"p.json:2:60: rule r: \"../x\" is no namespace's name; give \"peer\", \"broker\", "
		"or a name under /run/netns of letters, digits, and . _ -\n"},
	{"netns_dots",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"netns\": \"..\"}\n]}",
		"p.json:2:60: rule r: \"..\" is no namespace's name; give \"peer\", \"broker\", or "
		"a name under /run/netns of letters, digits, and . _ -\n"},
	{"packet_interfaces",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"packet\", "
		"\"interfaces\": \"eth0\"}\n]}",
		"p.json:2:67: rule r: the holder of a packet socket may bind it to another "
		"interface and send from any; take \"interfaces\" out, or confine by a network "
		"namespace (\"netns\")\n"},
	{"deny_port",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"ports\": [80, 8080]}\n]}",
		"p.json:2:78: rule r: every process may bind a port from 1024 up itself, so that "
		"denying it cannot be kept; name only ports under 1024\n"},
	{"deny_port_0",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"ports\": \"0-1023\"}\n]}",
		"p.json:2:78: rule r: port 0 is a free port of the kernel's choice, which every "
		"process may have, so that denying it cannot be kept; name ports from 1 to 1023\n"},
	{"deny_addresses",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"addresses\": \"10.0.0.0/8\"}\n]}",
		"p.json:2:82: rule r: the holder of a socket may bind it to any address itself, so "
		"that denying some cannot be kept; deny the ports, or limit the allow rules\n"},
	{"deny_interfaces",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"interfaces\": \"eth0\"}\n]}",
		"p.json:2:83: rule r: the holder of a socket may choose an interface itself, so "
		"that denying some cannot be kept; deny the socket, or limit the allow rules\n"},
	{"deny_option",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"options\": {\"SO_KEEPALIVE\": \"any\"}}\n]}",
		"p.json:2:97: rule r: every process may set SO_KEEPALIVE itself, so that denying "
		"it cannot be kept; deny the socket, or leave the option out\n"},
	{"deny_option_of_holders",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"options\": {\"MRT_INIT\": 1, \"MRT6_INIT\": 1}}\n]}",
		"p.json:2:93: rule r: every process may set MRT_INIT itself, so that denying "
		"it cannot be kept; deny the socket, or leave the option out\n"
		"p.json:2:109: rule r: every process may set MRT6_INIT itself, so that denying "
		"it cannot be kept; deny the socket, or leave the option out\n"},
	{"deny_option_value",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"options\": {\"SO_PRIORITY\": \"5-9\"}}\n]}",
		"p.json:2:96: rule r: every process may set SO_PRIORITY to 5 itself, so that "
		"denying it cannot be kept; name only values that need a privilege\n"},
	{"deny_owner",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"effect\": \"deny\", \"owner\": \"peer\"}\n]}",
		"p.json:2:78: rule r: a deny rule opens nothing, so that it has no owner; leave "
		"the key out\n"},
	{"deny_groups",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"route\", \"effect\": \"deny\", \"groups\": \"RTNLGRP_LINK\"}\n]}",
		"p.json:2:103: rule r: every process may join group 1 of netlink protocol route "
		"itself, so that denying it cannot be kept; deny the socket, or leave it out\n"},
	{"deny_messages",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"netlink\", "
		"\"protocol\": \"route\", \"effect\": \"deny\", \"messages\": \"RTM_GETLINK\"}\n]}",
		"p.json:2:105: rule r: every process may send message 18 of netlink protocol route "
		"itself, so that denying it cannot be kept; leave it out\n"},
	{"tipc_ports",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"tipc\",\n  "
		"\"ports\": 1000}\n]}",
		"p.json:4:12: rule r: the holder of a TIPC socket may bind it to further service "
		"types at any time; take \"ports\" out, or confine by a network namespace "
		"(\"netns\")\n"},
	{"tipc_addresses",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"tipc\",\n  "
		"\"addresses\": \"service:1000:1\"}\n]}",
		"p.json:4:16: rule r: the holder of a TIPC socket may bind it to further service "
		"types at any time; take \"addresses\" out, or confine by a network namespace "
		"(\"netns\")\n"},
	{"alg_addresses",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"alg\",\n  "
		"\"addresses\": \"hash/sha256\"}\n]}",
		"p.json:4:16: rule r: the holder of an AF_ALG socket may bind it to another "
		"algorithm; take \"addresses\" out\n"},
	{"qipcrtr_free_ports",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": "
		"\"qipcrtr\",\n  \"ports\": \"100-20000\"}\n]}",
		"p.json:4:12: rule r: the holder of a qipcrtr socket may bind it to 0 (a free "
		"port) "
		"and to any port from 16384 to 2147483647; list only others, which need a "
		"privilege\n"},
	{"mark_unix",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"unix\", "
		"\"mark\": 7}\n]}",
		"p.json:2:59: rule r: the mark is on what sockets of inet, inet6, packet and can "
		"send, and on nothing of other families; take it out\n"},
	{"unix_netns",
		"{\"rules\": [\n  {\"name\": \"r\", \"peers\": \"any\", \"family\": \"unix\", "
		"\"netns\": \"broker\"}\n]}",
		"p.json:2:60: rule r: a unix socket of another namespace makes its holder a client "
		"of that namespace for every server there, sockd too; take \"unix\" out, or say "
		"\"netns\": \"peer\"\n"},
	{"xdp_interfaces",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"xdp\",\n  "
		"\"interfaces\": \"eth0\"}\n]}",
		"p.json:4:17: rule r: an XDP socket is bound by its holder, who chooses interface "
		"and queue; take \"interfaces\" out, or confine by a network namespace "
		"(\"netns\")\n"},
	{"smc_port_0",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"smc\",\n  "
		"\"ports\": 0}\n]}",
		"p.json:4:12: rule r: the holder may give a port of the kernel's choice (0) back "
		"and take another; list ports from 1 on\n"},
	{"smc_interfaces",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"smc\",\n  "
		"\"interfaces\": \"eth0\"}\n]}",
		"p.json:4:17: rule r: an SMC socket takes over a device only when it connects or "
		"listens; take \"interfaces\" out, or confine by a network namespace "
		"(\"netns\")\n"},
	{"key_ports",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"key\",\n  "
		"\"ports\": 1}\n]}",
		"p.json:4:12: rule r: a rule cannot limit PF_KEY sockets by \"ports\"; take the "
		"key "
		"out, or name another \"family\"\n"},
	{"deny_rds_ports",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"rds\",\n  "
		"\"ports\": 80, \"effect\": \"deny\"}\n]}",
		"p.json:4:12: rule r: no port of RDS needs a privilege, so that denying some "
		"cannot "
		"be kept; deny the socket, or limit the allow rules\n"},
	{"deny_smc_ports",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"smc\",\n  "
		"\"ports\": 8080, \"effect\": \"deny\"}\n]}",
		"p.json:4:12: rule r: every process may bind a port from 1024 up itself, so that "
		"denying it cannot be kept; name only ports under 1024\n"},
	{"actions_unknown",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": [\"share\", \"open\"]}\n]}",
		"p.json:4:24: rule r: unknown action \"open\"; the actions are \"share\", "
		"\"receive\", \"store\" and \"fetch\"; a rule without \"actions\" is about "
		"opening\n"},
	{"actions_empty",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": []}\n]}",
		"p.json:4:14: rule r: the list is empty, which gives nothing; name something or "
		"leave the key out\n"},
	{"actions_with_ports",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": \"share\",\n  \"ports\": 80}\n]}",
		"p.json:5:3: rule r: \"ports\" is about opening, and a rule with \"actions\" hands "
		"on sockets as they are; leave it out, or make two rules\n"},
	{"names_alone",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"names\": \"web\"}\n]}",
		"p.json:4:3: rule r: \"names\" is about the store; it needs \"actions\" with "
		"\"store\" or \"fetch\"\n"},
	{"names_of_share",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": [\"share\", \"store\"],\n  \"names\": \"web\"}\n]}",
		"p.json:5:3: rule r: only \"store\" and \"fetch\" have names; make a rule of its "
		"own for \"share\" and \"receive\"\n"},
	{"names_bad",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": \"store\",\n  \"names\": [\"web-*\", \"w*b\"]}\n]}",
		"p.json:5:22: rule r: \"w*b\" is no name of the store; use 1 to 127 letters, "
		"digits, "
		"and . _ -, or end it with * for any ending\n"},
	{"common_unnamed",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": \"store\",\n  \"common\": true}\n]}",
		"p.json:5:13: rule r: names that several users have in common must be listed: add "
		"\"names\"\n"},
	{"common_type",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": \"store\",\n  \"common\": \"yes\"}\n]}",
		"p.json:5:13: rule r: \"common\" is true or false\n"},
	{"common_of_share",
		"{\"rules\": [\n {\"name\": \"r\", \"peers\": \"any\",\n  \"family\": \"inet\",\n  "
		"\"actions\": \"share\",\n  \"common\": true}\n]}",
		"p.json:5:3: rule r: only \"store\" and \"fetch\" have common names\n"},
	{"columns_count_characters",
		"{\"description\": \"\303\251\303\251\", \"rulez\": 1, \"rules\": []}",
		"p.json:1:23: unknown key \"rulez\"; the nearest known one is \"rules\"\n"},
};

#endif
