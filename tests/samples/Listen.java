// Listen ADDRESS PORT: answers one client.
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

public class Listen {
	public static void main(String[] arguments) throws Exception {
		try (ServerSocket server = new ServerSocket()) {
			server.bind(new InetSocketAddress(InetAddress.getByName(arguments[0]), Integer.parseInt(arguments[1])));
			System.out.println("listening on " + server.getLocalSocketAddress());
			try (Socket client = server.accept()) {
				client.getInputStream().read(new byte[4096]);
				client.getOutputStream().write(
					"HTTP/1.0 200 OK\r\n\r\nserved by Java\n".getBytes(StandardCharsets.US_ASCII));
			}
		} catch (IOException e) {
			System.out.println(e.getMessage());
			System.exit(1);
		}
	}
}
