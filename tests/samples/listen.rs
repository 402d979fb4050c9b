// listen ADDRESS: answers one client.
use std::io::{Read, Write};
use std::net::TcpListener;

fn serve(address: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut connection, _) = listener.accept()?;
    let _ = connection.read(&mut [0; 4096])?;
    connection.write_all(b"HTTP/1.0 200 OK\r\n\r\nserved by Rust\n")
}

fn main() {
    let address = std::env::args().nth(1).expect("an address");
    if let Err(e) = serve(&address) {
        println!("{}", e);
        std::process::exit(1);
    }
}
