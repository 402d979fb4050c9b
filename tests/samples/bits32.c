/*
 * A 32-bit program without any library, which makes its system calls itself: sockets by the calls
 * that are alone, and on x86 by the old socketcall() too, with its arguments in memory. Says what
 * each gave. Built by gcc -m32, or by the compiler for ARM, with -static -nostdlib -ffreestanding.
 */
#ifdef __arm__
#define SYS_EXIT 1
#define SYS_WRITE 4
#define SYS_SOCKET 281
#define SYS_BIND 282
#define SYS_SETSOCKOPT 294
#else
#define SYS_EXIT 1
#define SYS_WRITE 4
#define SYS_SOCKETCALL 102
#define SYS_SOCKET 359
#define SYS_BIND 361
#define SYS_SETSOCKOPT 366
#define CALL_SOCKET 1
#define CALL_BIND 2
#define CALL_SETSOCKOPT 14
#endif

#define AF_UNIX 1
#define AF_INET 2
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_ICMP 1
#define SOL_SOCKET 1
#define SO_MARK 36

struct address {
	unsigned short family, port;
	unsigned char rest[12];
};

#ifdef __arm__

static long call(long number, long a, long b, long c, long d, long e)
{
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;
	register long r4 __asm__("r4") = e;
	register long r7 __asm__("r7") = number;

	__asm__ volatile("svc 0"
			 : "+r"(r0)
			 : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r7)
			 : "memory");
	return r0;
}

#else

static long call(long number, long a, long b, long c, long d, long e)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return result;
}

static long socketcall(long which, long a, long b, long c, long d, long e)
{
	long arguments[] = {a, b, c, d, e};

	return call(SYS_SOCKETCALL, which, (long)arguments, 0, 0, 0);
}

#endif

/* "NAME: ok", or "NAME: error NUMBER". */
static void say(const char *name, long result)
{
	char line[80];
	long n = 0, tens = 1000;

	while (name[n] && n < 50) {
		line[n] = name[n];
		n++;
	}
	for (const char *word = result < 0 ? ": error " : ": ok"; *word; word++)
		line[n++] = *word;
	if (result < 0) {
		while (tens > 1 && -result < tens)
			tens /= 10;
		for (; tens > 0; tens /= 10)
			line[n++] = (char)('0' + -result / tens % 10);
	}
	line[n++] = '\n';
	call(SYS_WRITE, 1, (long)line, n, 0, 0);
}

void _start(void)
{
	struct address low = {.family = AF_INET, .port = 90 << 8}, any = {.family = AF_INET};
	long mark = 7;

	say("socket unix", call(SYS_SOCKET, AF_UNIX, SOCK_STREAM, 0, 0, 0));
	say("socket raw", call(SYS_SOCKET, AF_INET, SOCK_RAW, IPPROTO_ICMP, 0, 0));
	long one = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0);
	long other = call(SYS_SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0);
	say("socket tcp", one);
	say("setsockopt mark",
		call(SYS_SETSOCKOPT, one, SOL_SOCKET, SO_MARK, (long)&mark, sizeof(mark)));
	say("setsockopt mark of datagrams",
		call(SYS_SETSOCKOPT, other, SOL_SOCKET, SO_MARK, (long)&mark, sizeof(mark)));
	say("bind low", call(SYS_BIND, one, (long)&low, sizeof(low), 0, 0));
	long third = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0);
	say("bind any", call(SYS_BIND, third, (long)&any, sizeof(any), 0, 0));
#ifdef SYS_SOCKETCALL
	other = socketcall(CALL_SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0);
	say("socketcall unix", socketcall(CALL_SOCKET, AF_UNIX, SOCK_STREAM, 0, 0, 0));
	say("socketcall raw", socketcall(CALL_SOCKET, AF_INET, SOCK_RAW, IPPROTO_ICMP, 0, 0));
	say("socketcall udp", other);
	say("socketcall setsockopt mark",
		socketcall(CALL_SETSOCKOPT, other, SOL_SOCKET, SO_MARK, (long)&mark, sizeof(mark)));
	say("socketcall bind low", socketcall(CALL_BIND, other, (long)&low, sizeof(low), 0, 0));
	third = call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0);
	say("socketcall bind any", socketcall(CALL_BIND, third, (long)&any, sizeof(any), 0, 0));
#endif
	call(SYS_EXIT, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}
