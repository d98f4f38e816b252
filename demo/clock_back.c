/* Sets the wall clock of a program back: LD_PRELOAD this library, and say in the environment
 * variable WALL_CLOCK_BEHIND by how many nanoseconds.
 *
 * Only what asks for the wall clock is answered otherwise. Pauses, timers and the monotonic clock
 * are left alone, as are the times of files. (libfaketime also replaces clock_nanosleep, and has
 * it fail with EINVAL where the monotonic clock is a true one: Python's time.sleep raises.)
 * Deadlines by the wall clock are not moved; Python and asyncio wait by the monotonic one.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int (*true_clock_gettime)(clockid_t, struct timespec *);
static long long behind;

__attribute__((constructor)) static void begin(void)
{
    const char *wanted = getenv("WALL_CLOCK_BEHIND");
    behind = wanted ? atoll(wanted) : 0;
    true_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

static int ask(clockid_t clock, struct timespec *now)
{
    /* Other libraries may ask before this one is ready. */
    if (true_clock_gettime == NULL)
        return (int)syscall(SYS_clock_gettime, clock, now);
    return true_clock_gettime(clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = ask(clock, now);
    if (status == 0 && now != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        long long shown = now->tv_sec * SECOND + now->tv_nsec - behind;
        now->tv_sec = shown / SECOND;
        now->tv_nsec = shown % SECOND;
    }
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec shown;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &shown);
    now->tv_sec = shown.tv_sec;
    now->tv_usec = shown.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept)
{
    struct timespec shown;
    clock_gettime(CLOCK_REALTIME, &shown);
    if (kept != NULL)
        *kept = shown.tv_sec;
    return shown.tv_sec;
}

int timespec_get(struct timespec *now, int base)
{
    if (base != TIME_UTC)
        return 0;
    clock_gettime(CLOCK_REALTIME, now);
    return base;
}
