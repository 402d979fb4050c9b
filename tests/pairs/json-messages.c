#include "pair.h"

#include <sockd-json.h>

int main(int argc, char **argv)
{
	json_t *value;

	int s = (int)must(sockd_create_connection(
		"127.0.0.1", argc > 1 ? argv[1] : "", SOCKD_FOREVER, NULL, NULL));
	value = json_pack("{s:s, s:[i,i,n,b]}", "hello", "w\xc3\xb6rld", "list", 1, -2, 1);
	must(sockd_send_json(s, value, 1000, NULL));
	json_decref(value);
	for (int i = 0; i < 2; i++) {
		must(sockd_recv_json(s, 1000, &value, NULL) == 1 ? 0 : -1);
		char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
		printf("%s\n", text);
		free(text);
		json_object_set_new(value, "seen", json_true());
		must(sockd_send_json(s, value, 1000, NULL));
		json_decref(value);
	}
	printf("%s\n", must(sockd_recv_json(s, 1000, &value, NULL)) == 0 ? "at the end" : "more");
	must(sockd_close(s));
	return 0;
}
