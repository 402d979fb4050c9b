#include "bench/run-report.h"

#include <stdio.h>

#include "bench/report.h"

#define OVERHEAD_MAX 1.03

static const char *const process_names[N_RUN_PROCESSES] = {
	[RUN_PLAIN] = "plain",
	[RUN_SUPERVISED] = "seccomp",
	[RUN_SENDING] = "seccomp, may send",
	[RUN_PRELOADED] = "preload",
	[RUN_FILTERED] = "empty filter",
};

static const char *const crowd_names[N_CROWD_KINDS] = {
	[CROWD_FLOOR] = "floor with epoll",
	[CROWD_QUIET] = "sockd-run",
	[CROWD_BESIDE_SLOW] = "sockd-run, one thread's requests slow",
};

static const char *const working_names[N_RUN_CALLS] = {
	[RUN_DATAGRAM] = "UDP under sockd-run, times without",
	[RUN_SOCKET_STREAM] = "socket() of TCP under sockd-run, times without",
	[RUN_CONNECTION] = "TCP connections under sockd-run, times without",
};

static double ratio_of(const struct run_report *report, enum run_call call)
{
	return report->latencies[call][RUN_SUPERVISED].ratio;
}

size_t run_report_limits(const struct run_report *report, struct limit *ret, size_t max)
{
	size_t n = 0;

	if (max < 3 + N_RUN_CALLS)
		return 0;
	ret[n++] = (struct limit){"a brokered socket() under sockd-run, times the floor",
		ratio_of(report, RUN_SOCKET), 2.00, false};
	ret[n++] = (struct limit){"an intercepted bind() of an ordinary port, times the floor",
		ratio_of(report, RUN_BIND_ORDINARY), 1.00, false};
	for (int call = RUN_WORKING; call < N_RUN_CALLS; call++)
		ret[n++] = (struct limit){
			working_names[call], ratio_of(report, call), OVERHEAD_MAX, false};
	ret[n++] = (struct limit){"p99 of opens beside a thread's slow requests, times without",
		report->beside_slow, 1.25, false};
	return n;
}

static void print_calls(const struct run_report *report)
{
	printf("\n%-44s %10s %10s %9s\n", "a call in a program under sockd-run", "median us",
		"p99 us", "x floor");
	for (int call = 0; call < RUN_UNTOUCHED; call++)
		for (int process = 0; process < N_RUN_PROCESSES; process++) {
			const struct run_latency *latency = &report->latencies[call][process];
			char name[64];
			if (latency->median <= 0)
				continue;
			snprintf(name, sizeof name, "%s%s%s", run_calls[call].name,
				call == RUN_FLOOR ? "" : ": ",
				call == RUN_FLOOR ? "" : process_names[process]);
			printf("%-44s %10.2f %10.2f %9.2f\n", name, latency->median / 1e3,
				latency->p99 / 1e3, latency->ratio);
		}
	printf("\n%-44s %10s %10s %9s %9s %13s\n", "a call that is not supervised", "without ns",
		"with ns", "x without", "may send", "empty filter");
	for (int call = RUN_UNTOUCHED; call < N_RUN_CALLS; call++)
		printf("%-44s %10.1f %10.1f %9.3f %9.3f %13.3f\n", run_calls[call].name,
			report->latencies[call][RUN_PLAIN].median,
			report->latencies[call][RUN_SUPERVISED].median, ratio_of(report, call),
			report->latencies[call][RUN_SENDING].ratio,
			report->latencies[call][RUN_FILTERED].ratio);
}

void run_report_print(const struct run_report *report)
{
	print_calls(report);
	printf("\n%-44s %10s %10s %9s\n", "64 threads at once", "opens/s", "median us", "p99 us");
	for (int kind = 0; kind < N_CROWD_KINDS; kind++) {
		const struct crowd *crowd = &report->crowds[kind];
		printf("%-44s %10.0f %10.2f %9.0f\n", crowd_names[kind], crowd->opens,
			crowd->median / 1e3, crowd->p99 / 1e3);
	}
	printf("%-44s %10zu %10.2f\n\n", "the slow requests, how many", report->n_slow,
		report->slow_median / 1e3);
}

void run_report_print_json(const struct run_report *report)
{
	const char *comma = "";

	printf(" \"run\": [\n");
	for (int call = 0; call < N_RUN_CALLS; call++)
		for (int process = 0; process < N_RUN_PROCESSES; process++) {
			const struct run_latency *latency = &report->latencies[call][process];
			if (latency->median <= 0)
				continue;
			printf("%s  {\"name\": \"%s\", \"mode\": \"%s\", \"median_us\": %.4f, "
			       "\"p99_us\": %.4f, \"ratio\": %.4f}",
				comma, run_calls[call].name, process_names[process],
				latency->median / 1e3, latency->p99 / 1e3, latency->ratio);
			comma = ",\n";
		}
	printf("\n ],\n \"crowd\": [\n");
	comma = "";
	for (int kind = 0; kind < N_CROWD_KINDS; kind++) {
		const struct crowd *crowd = &report->crowds[kind];
		printf("%s  {\"name\": \"%s\", \"opens\": %.0f, \"median_us\": %.3f, \"p99_us\": "
		       "%.3f, \"longest_us\": %.3f}",
			comma, crowd_names[kind], crowd->opens, crowd->median / 1e3,
			crowd->p99 / 1e3, crowd->longest / 1e3);
		comma = ",\n";
	}
	printf("\n ],\n \"slow\": {\"requests\": %zu, \"median_us\": %.3f, \"ratio\": %.4f},\n",
		report->n_slow, report->slow_median / 1e3, report->beside_slow);
}
