// icmp HOW ADDRESS: one echo over a raw socket, by net.ListenPacket or by net.DialIP.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"time"
)

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}

func echo(id uint16, payload []byte) []byte {
	message := make([]byte, 8, 8+len(payload))
	message[0] = 8
	binary.BigEndian.PutUint16(message[4:], id)
	binary.BigEndian.PutUint16(message[6:], 1)
	message = append(message, payload...)
	var sum uint32
	for i := 0; i+1 < len(message); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(message[i:]))
	}
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	binary.BigEndian.PutUint16(message[2:], ^uint16(sum))
	return message
}

func main() {
	to := &net.IPAddr{IP: net.ParseIP(os.Args[2])}
	request := echo(uint16(os.Getpid()), []byte("an echo of a Go program."))
	answer := make([]byte, 2048)
	deadline := time.Now().Add(5 * time.Second)
	var n int

	switch os.Args[1] {
	case "listen":
		packets, err := net.ListenPacket("ip4:icmp", "0.0.0.0")
		if err != nil {
			fail(err)
		}
		packets.SetDeadline(deadline)
		if _, err = packets.WriteTo(request, to); err != nil {
			fail(err)
		}
		for n == 0 || answer[0] != 0 {
			if n, _, err = packets.ReadFrom(answer); err != nil {
				fail(err)
			}
		}
	case "dial":
		connection, err := net.DialIP("ip4:icmp", nil, to)
		if err != nil {
			fail(err)
		}
		connection.SetDeadline(deadline)
		if _, err = connection.Write(request); err != nil {
			fail(err)
		}
		for n == 0 || answer[0] != 0 {
			if n, err = connection.Read(answer); err != nil {
				fail(err)
			}
			n = copy(answer, answer[int(answer[0]&15)*4:n]) // the header of IP, which ReadFrom leaves out
		}
	default:
		fail(fmt.Errorf("%s: write listen or dial", os.Args[1]))
	}
	if !bytes.Equal(answer[4:n], request[4:]) {
		fail(fmt.Errorf("this is not the answer: %x", answer[:n]))
	}
	fmt.Println("answered", os.Args[2])
}
