#include "bench/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/macro.h"

#define LIMITS_MAX 32

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double quantile(double *values, size_t n, double share)
{
	if (n == 0)
		return 0;
	qsort(values, n, sizeof *values, compare);
	return values[MIN_OF((size_t)(share * (double)n), n - 1)];
}

static size_t limits_of(const struct report *report, struct limit ret[LIMITS_MAX])
{
	const struct limit limits[] = {
		{"one OPEN, times the floor", report->latencies[SOCKD].ratio, 1.25, false},
		{"a batch of 64, each, times the floor", report->latencies[SOCKD_BATCH].ratio, 0.35,
			false},
		{"opens a second of many clients, times the minimal server's",
			report->throughput.ratio, 0.80, true},
		{"p99 of opens beside 200 packet sockets, in ms", report->neighbour.p99 / 1e6, 1.00,
			false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		ret[i] = limits[i];
	return ARRAY_SIZE(limits) + run_report_limits(&report->run, ret + ARRAY_SIZE(limits),
					    LIMITS_MAX - ARRAY_SIZE(limits));
}

static bool is_met(const struct limit *limit)
{
	return limit->at_least ? limit->value >= limit->bound : limit->value <= limit->bound;
}

void report_print(const struct report *report)
{
	struct limit limits[LIMITS_MAX];
	size_t n = limits_of(report, limits);

	printf("%u rounds of %u, both ends on one processor of %u%s; %u rules, audit to a file\n\n",
		report->rounds, report->operations, report->processors,
		report->free_helpers ? " (sockd's helper threads on any)" : "", report->rules);
	printf("%-44s %10s %10s %9s\n", "one socket, opened and closed", "median us", "p99 us",
		"x floor");
	for (int i = 0; i < N_CONTENDERS; i++) {
		const struct latency *latency = &report->latencies[i];
		printf("%-44s %10.2f %10.2f %9.2f\n", contender_names[i], latency->median / 1e3,
			latency->p99 / 1e3, latency->ratio);
	}
	printf("\n%u clients at once%27s %10s %10s %9s\n", report->clients, "", "opens/s",
		"server busy", "x floor");
	printf("%-44s %10.0f %9.0f %% %9.2f\n", "floor with epoll", report->throughput.floor,
		report->throughput.floor_busy * 100, 1.0);
	printf("%-44s %10.0f %9.0f %% %9.2f\n", "sockd", report->throughput.sockd,
		report->throughput.sockd_busy * 100, report->throughput.ratio);
	printf("\n%-44s %10s %10s %9s\n", "opens while another opens and closes packets",
		"median us", "p99 us", "longest");
	printf("%-44s %10.2f %10.2f %9.0f\n\n", "sockd", report->neighbour.median / 1e3,
		report->neighbour.p99 / 1e3, report->neighbour.longest / 1e3);
	run_report_print(&report->run);
	for (size_t i = 0; i < n; i++)
		printf("%-8s %s: %.2f (limit: %s %.2f)\n", is_met(&limits[i]) ? "met" : "NOT MET",
			limits[i].name, limits[i].value,
			limits[i].at_least ? "at least" : "at most", limits[i].bound);
}

void report_print_json(const struct report *report)
{
	struct limit limits[LIMITS_MAX];
	size_t n = limits_of(report, limits);

	printf("{\n \"rounds\": %u, \"operations\": %u, \"processors\": %u, \"rules\": %u, "
	       "\"free_helpers\": %s,\n",
		report->rounds, report->operations, report->processors, report->rules,
		report->free_helpers ? "true" : "false");
	printf(" \"latency\": [\n");
	for (int i = 0; i < N_CONTENDERS; i++)
		printf("  {\"name\": \"%s\", \"median_us\": %.3f, \"p99_us\": %.3f, \"ratio\": "
		       "%.4f}%s\n",
			contender_names[i], report->latencies[i].median / 1e3,
			report->latencies[i].p99 / 1e3, report->latencies[i].ratio,
			i + 1 < N_CONTENDERS ? "," : "");
	printf(" ],\n \"throughput\": {\"clients\": %u, \"floor\": %.0f, \"sockd\": %.0f, "
	       "\"ratio\": %.4f, \"floor_busy\": %.3f, \"sockd_busy\": %.3f},\n",
		report->clients, report->throughput.floor, report->throughput.sockd,
		report->throughput.ratio, report->throughput.floor_busy,
		report->throughput.sockd_busy);
	printf(" \"neighbour\": {\"opens\": %zu, \"median_us\": %.3f, \"p99_us\": %.3f, "
	       "\"longest_us\": %.3f},\n",
		report->neighbour.opens, report->neighbour.median / 1e3,
		report->neighbour.p99 / 1e3, report->neighbour.longest / 1e3);
	run_report_print_json(&report->run);
	printf(" \"limits\": [\n");
	for (size_t i = 0; i < n; i++)
		printf("  {\"name\": \"%s\", \"value\": %.4f, \"limit\": %.2f, \"at_least\": %s, "
		       "\"met\": %s}%s\n",
			limits[i].name, limits[i].value, limits[i].bound,
			limits[i].at_least ? "true" : "false",
			is_met(&limits[i]) ? "true" : "false", i + 1 < n ? "," : "");
	printf(" ]\n}\n");
}
