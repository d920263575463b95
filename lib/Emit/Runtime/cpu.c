/*===- cpu.c - which features this machine has --------------------------------===
 *
 * Part of every object for x86-64 and for AArch64 Linux: compiled to bitcode for
 * each of them when Dyadic is built, linked in by lib/Emit/CPURuntime.cpp. No
 * header, no call but getauxval.
 *===----------------------------------------------------------------------===*/

typedef unsigned int word;

#if defined(__x86_64__)
struct feature {
  const char *name;
  word leaf, reg, bit, state;
};
#define X86_FEATURE(name, leaf, reg, bit, state) {name, leaf, reg, bit, state},
static const struct feature features[] = {
#include "dyadic/Target/CPUFeatures.def"
};

struct machine {
  word leaves[4][4];
  word saved; /* XCR0 */
};

static void cpuid(word leaf, word subleaf, word out[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                   : "a"(leaf), "c"(subleaf));
}

/* Once for all features: virtual machines make CPUID slow. */
static void read_machine(struct machine *machine) {
  word last[4], high;
  for (word i = 0; i < 16; ++i)
    machine->leaves[i / 4][i % 4] = 0;
  machine->saved = 0;
  cpuid(0, 0, last);
  cpuid(1, 0, machine->leaves[0]);
  if (last[0] >= 7) {
    cpuid(7, 0, machine->leaves[1]);
    if (machine->leaves[1][0] >= 1)
      cpuid(7, 1, machine->leaves[2]);
  }
  cpuid(0x80000000, 0, last);
  if (last[0] > 0x80000000)
    cpuid(0x80000001, 0, machine->leaves[3]);
  if (machine->leaves[0][2] >> 27 & 1) /* the system uses xsave */
    __asm__ volatile("xgetbv" : "=a"(machine->saved), "=d"(high) : "c"(0));
}

static int has(const struct machine *machine, const struct feature *feature) {
  static const word needed[] = {0, 0x6, 0xe6, 0x60006};
  word state = needed[feature->state];
  return machine->leaves[feature->leaf][feature->reg] >> feature->bit & 1 &&
         (machine->saved & state) == state;
}

/* Linux lends the registers of AMX to processes that ask for them, and goes on
 * doing so. 0 where it does. */
static long request_tiles(void) {
  enum { SYS_arch_prctl = 158, ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
  long result = SYS_arch_prctl;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"((long)ARCH_REQ_XCOMP_PERM), "S"((long)XTILEDATA)
                   : "rcx", "r11", "memory");
  return result;
}

/* Whether the system has to be asked before `feature` is used. */
static int is_lent(const struct feature *feature) {
  return feature->state == 3;
}

#elif defined(__aarch64__)
struct feature {
  const char *name;
  word word, bit;
};
#define AARCH64_FEATURE(name, word, bit) {name, word, bit},
static const struct feature features[] = {
#include "dyadic/Target/CPUFeatures.def"
};

enum { AT_HWCAP = 16, AT_HWCAP2 = 26 };
extern unsigned long getauxval(unsigned long type);

struct machine {
  unsigned long words[2];
};

static void read_machine(struct machine *machine) {
  machine->words[0] = getauxval(AT_HWCAP);
  machine->words[1] = getauxval(AT_HWCAP2);
}

static int has(const struct machine *machine, const struct feature *feature) {
  return machine->words[feature->word] >> feature->bit & 1;
}

static long request_tiles(void) { return 0; }
static int is_lent(const struct feature *feature) { return !feature; }
#endif

/* Whether the text at `list` is `name`, followed by a comma or the end. */
static int is_next(const char *list, const char *name) {
  while (*name)
    if (*list++ != *name++)
      return 0;
  return !*list || *list == ',';
}

/* The first feature of "+a,+b" that this machine lacks; null: none. Asks the
 * system for what it lends on request. */
const char *dyadic_cpu_missing(const char *list) {
  struct machine machine;
  int asks = 0;
  read_machine(&machine);
  for (; *list; ++list) {
    if (*list != '+')
      continue;
    for (word i = 0; i < sizeof features / sizeof *features; ++i)
      if (is_next(list + 1, features[i].name)) {
        if (!has(&machine, &features[i]))
          return features[i].name;
        asks |= is_lent(&features[i]);
      }
  }
  if (asks && request_tiles())
    return "AMX and a system that lends it to this process (arch_prctl)";
  return 0;
}

/* The last of `count` lists whose features are all there; 0: not even the
 * first's. */
word dyadic_cpu_choose(const char *const *lists, word count) {
  while (--count && dyadic_cpu_missing(lists[count]))
    ;
  return count;
}
