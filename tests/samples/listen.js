// listen ADDRESS PORT: answers one client.
const http = require("http");
const [address, port] = process.argv.slice(2);

const server = http.createServer((request, response) => {
	response.end("served by Node\n");
	server.close();
	setImmediate(() => server.closeIdleConnections?.());
});
server.on("error", (e) => {
	console.log(e.message);
	process.exitCode = 1;
});
server.listen(Number(port), address, () => console.log("listening on " + server.address().address + ":" + port));
