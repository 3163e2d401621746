/*
 * Counts what a number of instructions hides: how many of them are dear, and
 * how much memory they touch. A plugin of QEMU, which calls it for each
 * instruction:
 *
 *     qemu-system-x86_64 -plugin hidden.so,out=FILE ...
 *
 * A program says by instructions that do nothing, userland/bench/count.h has
 * them, what shall be counted: from BEGIN to the next END, whoever executes
 * that, is a sample. FILE gets a line of numbers for each, in the order of
 * enum counter, and at each ROW a line "row".
 *
 * What is declared here of QEMU's interface is its version 1 (QEMU 4.2 to
 * 8.x); Debian does not pack the header.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum { NO_REGISTERS = 0, READS_AND_WRITES = 3 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(
    const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
    void (*call)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
    void (*call)(unsigned cpu, void *argument), int registers, void *argument);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
    void (*call)(unsigned cpu, uint32_t info, uint64_t address, void *argument),
    int registers, int which, void *argument);

EXPORTED int qemu_plugin_version = 1;
EXPORTED int qemu_plugin_install(uint64_t id, const struct qemu_info *info,
    int count, char **arguments);

/* What is counted, of the kernel's instructions only. */
enum counter {
    SPACES,     /* mov to cr3 */
    PAGES,      /* invlpg */
    MSRS,       /* wrmsr */
    SYSRETS,
    IRETS,
    PORTS,      /* in, out */
    FLOATS,     /* fxsave, fxrstor */
    INDIRECT,   /* calls and jumps to where a register or memory says */
    CODE_LINES, /* of 64 bytes, different ones: executed, */
    DATA_LINES, /* read or written */
    COUNTERS,
    BEGIN = COUNTERS,
    END,
    ROW,
    NOTHING,
};

/* nop dword [rax + this + 0, 1, 2] is BEGIN, END, ROW. */
static const uint32_t MARK = 0x52757800;

static FILE *out;
static bool counting;
static unsigned counts[COUNTERS];

/* Lines that have been seen since BEGIN: a hash table, which is emptied by
   counting the rounds. */
enum { LINES = 1 << 14, LINE = 64 };

static struct seen {
    uint64_t line[LINES];
    unsigned round[LINES], now;
} code, data;

static bool is_new(struct seen *seen, uint64_t address)
{
    uint64_t line = address / LINE;
    size_t at = line * 0x9e3779b97f4a7c15 >> 50;

    for (; seen->round[at] == seen->now; at = (at + 1) % LINES)
        if (seen->line[at] == line)
            return false;
    seen->line[at] = line;
    seen->round[at] = seen->now;
    return true;
}

static void mark(enum counter what)
{
    if (what == ROW) {
        fprintf(out, "row\n");
    } else if (what == BEGIN) {
        memset(counts, 0, sizeof(counts));
        code.now++;
        data.now++;
    } else if (counting) {
        for (unsigned i = 0; i < COUNTERS; i++)
            fprintf(out, "%u%c", counts[i], i + 1 < COUNTERS ? ' ' : '\n');
    }
    counting = what == BEGIN;
    fflush(out);
}

/* By its bytes, behind prefixes (SDM 2, appendix A). */
static enum counter kind_of(const uint8_t *byte, const uint8_t *end)
{
    uint32_t offset;

    while (byte < end && (*byte == 0x66 || *byte >> 4 == 4 || *byte >> 1 == 0x79))
        byte++;
    if (end - byte < 1)
        return NOTHING;
    if (byte[0] == 0xcf)
        return IRETS;
    if (byte[0] >> 2 == 0x39 || byte[0] >> 2 == 0x3b)
        return PORTS;
    if (end - byte < 2)
        return NOTHING;
    unsigned middle = byte[1] >> 3 & 7;
    if (byte[0] == 0xff)
        return middle == 2 || middle == 4 ? INDIRECT : NOTHING;
    if (byte[0] != 0x0f)
        return NOTHING;
    switch (byte[1]) {
    case 0x07: return SYSRETS;
    case 0x30: return MSRS;
    }
    if (end - byte < 3)
        return NOTHING;
    middle = byte[2] >> 3 & 7;
    switch (byte[1]) {
    case 0x01: return middle == 7 && byte[2] < 0xc0 ? PAGES : NOTHING;
    case 0x1f:
        if (byte[2] != 0x80 || end - byte < 7)
            return NOTHING;
        memcpy(&offset, byte + 3, sizeof(offset));
        return offset - MARK < 3 ? (enum counter)(BEGIN + (offset - MARK)) : NOTHING;
    case 0x22: return middle == 3 ? SPACES : NOTHING;
    case 0xae: return middle < 2 && byte[2] < 0xc0 ? FLOATS : NOTHING;
    default: return NOTHING;
    }
}

struct instruction {
    uint64_t address;
    enum counter kind;
};

static void executed(unsigned cpu, void *argument)
{
    const struct instruction *instruction = argument;

    (void)cpu;
    if (!counting)
        return;
    if (instruction->kind < COUNTERS)
        counts[instruction->kind]++;
    counts[CODE_LINES] += is_new(&code, instruction->address);
}

static void executed_mark(unsigned cpu, void *argument)
{
    (void)cpu;
    mark(((struct instruction *)argument)->kind);
}

static void touched(unsigned cpu, uint32_t info, uint64_t address, void *argument)
{
    (void)cpu;
    (void)info;
    (void)argument;
    if (counting)
        counts[DATA_LINES] += is_new(&data, address);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        struct instruction found = { qemu_plugin_insn_vaddr(insn),
            kind_of(bytes, bytes + qemu_plugin_insn_size(insn)) };
        bool kernel = found.address >> 63;
        bool marks = found.kind >= BEGIN && found.kind < NOTHING;

        if (!kernel && !marks)
            continue;
        struct instruction *kept = malloc(sizeof(*kept)); /* for ever */
        if (!kept)
            abort();
        *kept = found;
        qemu_plugin_register_vcpu_insn_exec_cb(insn,
            marks ? executed_mark : executed, NO_REGISTERS, kept);
        if (kernel)
            qemu_plugin_register_vcpu_mem_cb(insn, touched, NO_REGISTERS,
                READS_AND_WRITES, NULL);
    }
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int count,
    char **arguments)
{
    (void)info;
    if (count != 1 || strncmp(arguments[0], "out=", 4) != 0) {
        fprintf(stderr, "hidden: say -plugin hidden.so,out=FILE\n");
        return -1;
    }
    out = fopen(arguments[0] + 4, "w");
    if (!out) {
        perror(arguments[0] + 4);
        return -1;
    }
    code.now = data.now = 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
