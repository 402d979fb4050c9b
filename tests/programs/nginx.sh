#!/bin/bash
# nginx on port 80, with a master and workers, IPv4 and IPv6.
. "$(dirname "$0")/../lib.sh"
begin nginx
copy_program nginx

policy <<'JSON'
{
  "rules": [
    {
      "name": "web",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "stream", "ports": [80]
    }
  ]
}
JSON

mkdir -p "$work/html"
echo 'served through sockd' >"$work/html/index.html"
cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $work/home/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $work/home/body;
	proxy_temp_path $work/home/proxy;
	fastcgi_temp_path $work/home/fastcgi;
	uwsgi_temp_path $work/home/uwsgi;
	scgi_temp_path $work/home/scgi;
	server {
		listen 80;
		listen [::]:80;
		root $work/html;
	}
}
CONF

fetch() {
	in_far /usr/bin/python3 -c '
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(opener.open(sys.argv[1], timeout=5).read().decode())' "$1"
}

refused "nginx needs sockd" 'bind\(\) to 0\.0\.0\.0:80 failed \(13: Permission denied\)' \
	without timeout 10 "$work/bin/nginx" -e stderr -c "$work/nginx.conf"

start_sockd
through_exec "$work/bin/nginx" -e stderr -c "$work/nginx.conf" >"$work/nginx.log" 2>&1 &
nginx=$!
remember
wait_for 10 listens t 80 || { cat "$work/nginx.log"; fail "nginx listens"; }
expect "a page over IPv4" [ "$(fetch http://10.99.0.1/)" = 'served through sockd' ]
expect "a page over IPv6" [ "$(fetch 'http://[fd99::1]/')" = 'served through sockd' ]

# New workers inherit the listening sockets.
master=$(program_of "$nginx")
workers=$(children_of "$master")
expect "it has workers" [ -n "$workers" ]
kill -HUP "$nginx"
reloaded() {
	local child
	for child in $workers; do
		[ ! -e "/proc/$child" ] || return 1
	done
}
expect "a reload replaces the workers" wait_for 10 reloaded
expect "a page after a reload" [ "$(fetch http://10.99.0.1/)" = 'served through sockd' ]
kill -QUIT "$nginx"
wait_for 10 sh -c "! kill -0 $nginx 2>/dev/null"
expect "nothing listens once nginx is gone" wait_for 5 sh -c "! ip netns exec $near ss -Hlnt 'sport = :80' | grep -q ."
