/*===- threads.c - the threads of a run ----------------------------------------===
 *
 * Part of objects that are compiled for several threads: bitcode, linked in by
 * lib/Emit/ThreadRuntime.cpp. The threads are those of an OpenMP runtime, GCC's
 * (libgomp) or LLVM's (libomp), which both have these functions; the waits are our
 * own. All state is on the stack of the run: several may be in progress.
 *===----------------------------------------------------------------------===*/

extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads,
                          unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern int sched_yield(void);

/* A cache line for each thread. Only that thread writes it. */
struct gate {
  long passed;   /* waits that it has come to */
  long patience; /* how often it looks before it lets others run */
  char rest[48];
};

struct team {
  void (*body)(void *arguments, long thread, long threads, struct gate *gates);
  void *arguments;
  struct gate *gates;
};

enum {
  /* Some 50 microseconds: longer than the parts of a kernel differ. */
  PATIENT = 2000,
  /* After a wait that was longer: a thread has no processor now. */
  IMPATIENT = 20
};

static void run_thread(void *data) {
  struct team *team = data;
  team->body(team->arguments, omp_get_thread_num(), omp_get_num_threads(),
             team->gates);
}

/* `gates` has room for `threads`. The runtime may give fewer threads. */
void dyadic_run_team(void (*body)(void *, long, long, struct gate *),
                     void *arguments, long threads, struct gate *gates) {
  struct team team = {body, arguments, gates};
  for (long i = 0; i < threads; ++i) {
    gates[i].passed = 0;
    gates[i].patience = PATIENT;
  }
  GOMP_parallel(run_thread, &team, (unsigned)threads, 0);
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

/* Returns when all threads have come here: what they stored is seen. */
void dyadic_team_wait(struct gate *gates, long thread, long threads) {
  struct gate *mine = &gates[thread];
  long passed = mine->passed + 1;
  __atomic_store_n(&mine->passed, passed, __ATOMIC_RELEASE);
  for (long i = 0; i < threads; ++i) {
    if (i == thread)
      continue;
    for (long looks = 0;
         __atomic_load_n(&gates[i].passed, __ATOMIC_ACQUIRE) < passed;)
      if (++looks < mine->patience) {
        pause_briefly();
      } else {
        mine->patience = IMPATIENT;
        sched_yield();
      }
  }
}
