// listen ADDRESS: answers one client.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening on", listener.Addr())
	connection, err := listener.Accept()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	connection.Read(make([]byte, 4096))
	fmt.Fprintf(connection, "HTTP/1.0 200 OK\r\n\r\nserved by Go\n")
	connection.Close()
}
