#include "burn.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PERIOD_NS = 50000000, LINE_BYTES = 64 };

static pthread_mutex_t burn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t burn_wanted = PTHREAD_COND_INITIALIZER;
static int burn_percent;

int burn_parse(const char *line)
{
	static const char name[] = "load=";
	if (strncmp(line, name, sizeof name - 1) != 0)
		return -1;
	const char *digits = line + sizeof name - 1;
	size_t length = strspn(digits, "0123456789");
	if (length == 0 || length > 3 || digits[length + strspn(digits + length, "\r\n")] != '\0')
		return -1;
	long percent = strtol(digits, NULL, 10);
	return percent <= 100 ? (int)percent : -1;
}

static int64_t clock_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void rest(int64_t ns)
{
	struct timespec duration = { 0, (long)ns };
	if (ns > 0)
		nanosleep(&duration, NULL);
}

/* Sleeps while none is asked for: a guest that is to do nothing takes nothing of its host. */
static int wait_for_load(void)
{
	pthread_mutex_lock(&burn_mutex);
	while (burn_percent == 0)
		pthread_cond_wait(&burn_wanted, &burn_mutex);
	int percent = burn_percent;
	pthread_mutex_unlock(&burn_mutex);
	return percent;
}

static void ask_for_load(int percent)
{
	pthread_mutex_lock(&burn_mutex);
	burn_percent = percent;
	pthread_cond_signal(&burn_wanted);
	pthread_mutex_unlock(&burn_mutex);
}

/* By the clock and not by processor time: a guest that has to wait for its processor does not ask for more of it later. */
static void *burn(void *unused)
{
	(void)unused;
	for (;;) {
		int64_t busy_ns = (int64_t)PERIOD_NS * wait_for_load() / 100, began = clock_now();
		while (clock_now() - began < busy_ns)
			continue;
		rest(began + PERIOD_NS - clock_now());
	}
	return NULL;
}

static void *listen(void *unused)
{
	char line[LINE_BYTES];
	while (fgets(line, sizeof line, stdin)) {
		int percent = burn_parse(line);
		if (percent < 0)
			continue;
		ask_for_load(percent);
		printf("ME2 load=%d\n", percent);
	}
	return unused;
}

static bool start_thread(void *(*work)(void *))
{
	pthread_t thread;
	errno = pthread_create(&thread, NULL, work, NULL);
	return errno == 0 && (errno = pthread_detach(thread)) == 0;
}

bool burn_start(void)
{
	return start_thread(burn) && start_thread(listen);
}
