#include "pair.h"

int main(int argc, char **argv)
{
	static const char *const words[] = {"one", "two", "three"};
	char line[1000];

	int s = (int)must(sockd_create_connection(
		"localhost", argc > 1 ? argv[1] : "", 10000000, NULL, NULL));
	FILE *reader = sockd_makefile(s, "r");
	FILE *writer = sockd_makefile(s, "w");
	must(sockd_close(s));
	must(reader && writer ? 0 : -1);
	if (fgets(line, sizeof line, reader))
		printf("greeting: %s", line);
	for (int i = 0; i < 3; i++) {
		fprintf(writer, "say %s\n", words[i]);
		must(fflush(writer));
		if (fgets(line, sizeof line, reader))
			printf("answer: %s", line);
	}
	fprintf(writer, "quit\n");
	must(fclose(writer));
	while (fgets(line, sizeof line, reader))
		printf("rest: %s", line);
	must(ferror(reader) ? -1 : 0);
	must(fclose(reader));
	return 0;
}
