ip link add eth0 type veth peer name peer0; ip link set eth0 up; ip link set peer0 up; ip link add mine0 type veth peer name mine1; ip link set mine0 up; ip link set mine1 up
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0; sleep 2.5
export LL=$(ip -6 -o addr show mine0 | sed -n 's/.*inet6 \(fe80[^/]*\).*/\1/p'); export ELL=$(ip -6 -o addr show eth0 | sed -n 's/.*inet6 \(fe80[^/]*\).*/\1/p')
