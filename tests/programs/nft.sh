#!/bin/bash
# nft monitor: a netlink group that only CAP_NET_ADMIN may join.
. "$(dirname "$0")/../lib.sh"
begin nft
copy_program nft
in_near nft add table inet before || skip_all "the kernel has no nftables"

policy <<'JSON'
{
  "rules": [
    {
      "name": "watch-nftables",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "netfilter",
      "groups": ["NFNLGRP_NFTABLES", "NFNLGRP_NFTRACE"],
      "messages": [
        "NFT_MSG_GETGEN", "NFT_MSG_GETTABLE", "NFT_MSG_GETCHAIN", "NFT_MSG_GETRULE", "NFT_MSG_GETSET",
        "NFT_MSG_GETSETELEM", "NFT_MSG_GETOBJ", "NFT_MSG_GETFLOWTABLE"
      ]
    }
  ]
}
JSON

refused "nft monitor needs sockd" 'not permitted' without timeout 5 "$work/bin/nft" monitor
refused "nft list needs sockd" 'not permitted' without "$work/bin/nft" list tables

start_sockd
through "$work/bin/nft" list tables >"$work/tables" 2>&1
contains "nft list prints the table" "$work/tables" 'table inet before'

through_exec stdbuf -oL "$work/bin/nft" monitor >"$work/monitor" 2>&1 &
remember
# The monitor does not say when it has begun: a table more each time.
table=0
add_table() {
	table=$((table + 1))
	in_near nft add table inet "seen$table"
	grep -q 'add table inet seen' "$work/monitor"
}
expect "nft monitor prints a new table" wait_for 10 add_table
cat "$work/monitor"
refused "changing is not watching" 'not permitted' through "$work/bin/nft" add table inet mine
in_near nft list tables >"$work/tables"
counted "no table was added" 0 "$work/tables" 'table inet mine'
