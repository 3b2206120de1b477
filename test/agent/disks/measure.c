/* measure.c - runs a command with its output dropped; prints `{"ms":…,"rssBytes":…}`: time, and memory at its peak. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	double start = now_ms();
	if (argc < 2)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		int nowhere = open("/dev/null", O_WRONLY);
		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 1;
	printf("{\"ms\":%.0f,\"rssBytes\":%ld}\n", now_ms() - start, usage.ru_maxrss * 1024L);
	return 0;
}
