/* 19-rinit.c - what rinit is given, and what is refused as rinit.
 * The ELF reader has tests of its own on the host. */
#include "tests/kernel/rinit.h"

#include <rux/log.h>

#include "kernel/boot_info.h"
#include "kernel/cap/channel.h"
#include "kernel/cap/log.h"
#include "kernel/image.h"
#include "kernel/syscall.h"
#include "kernel/x86/paging.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "tests/kernel/program.h"

/* --- What it is given ------------------------------------------------------ */

TEST(the_first_pool_is_as_the_table_says)
{
    struct capability *slots = rinit_pool()->slots;
    static const struct {
        unsigned slot;
        enum object_type type;
    } table[] = {
        {SLOT_POOL, OBJECT_CPOOL},     {SLOT_TASK, OBJECT_TASK},
        {SLOT_MEMORY, OBJECT_UNTYPED}, {SLOT_SPACE, OBJECT_PML4},
        {SLOT_LOG, OBJECT_LOG},        {SLOT_CHILD_BUFFER, OBJECT_BUFFER},
        {SLOT_BUFFER, OBJECT_BUFFER},  {SLOT_CHILD, OBJECT_CHANNEL},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct weak *weak = &slots[table[i].slot].weak;
        EXPECT(weak->object);
        EXPECT_EQUAL(weak->object->type, table[i].type);
        EXPECT_EQUAL(weak->rights, RIGHT_ALL);
        /* L2: it stands first on the list, and nothing is around it */
        EXPECT(weak->object->weak.next == &weak->link);
        EXPECT(slots[table[i].slot].close.next == &weak->object->weak);
    }
    EXPECT(slots[SLOT_POOL].weak.object == &rinit_pool()->object);
    EXPECT(slots[SLOT_MEMORY].weak.object == &first_untyped[0]->object);
    for (unsigned i = 1; i < first_untyped_count && i <= 13; i++)
        EXPECT(slots[SLOT_MORE_MEMORY + i - 1].weak.object ==
               &first_untyped[i]->object);
    for (unsigned i = 0; i < CPOOL_SLOTS; i++)
        EXPECT(kernel_pool.slots[i].weak.object != &rinit_pool()->object);
    check_all();
}

/* What an address means to rinit. */
static uint64_t look_up(uint64_t address)
{
    struct object *pml4 = rinit_pool()->slots[SLOT_SPACE].weak.object;
    paging_load(table_from(pml4)->page);
    uint64_t entry = paging_lookup(address);
    paging_load(paging_kernel_pml4);
    return entry;
}

static const uint8_t *page_of(uint64_t address)
{
    uint64_t entry = look_up(address);
    EXPECT(entry & ENTRY_PRESENT);
    return physical_pointer(physical(entry & ENTRY_FRAME));
}

static void expect_mapped(uint64_t start, uint64_t size)
{
    EXPECT(!(look_up(start - PAGE_SIZE) & ENTRY_PRESENT));
    for (uint64_t at = start; at < start + size; at += PAGE_SIZE) {
        uint64_t entry = look_up(at);
        const uint8_t *bytes = page_of(at);
        EXPECT_EQUAL(entry & (ENTRY_PRESENT | ENTRY_USER | ENTRY_WRITABLE),
                     ENTRY_PRESENT | ENTRY_USER | ENTRY_WRITABLE);
        EXPECT(entry & ENTRY_NO_EXECUTE);
        for (unsigned i = 0; i < PAGE_SIZE; i++)
            EXPECT_EQUAL(bytes[i], 0);
    }
}

TEST(stacks_and_buffers_are_where_they_belong)
{
    expect_mapped(RINIT_STACK, RINIT_STACK_SIZE);
    expect_mapped(RINIT_CHILD_STACK, RINIT_STACK_SIZE);
    expect_mapped(RINIT_BUFFER, PAGE_SIZE);
    EXPECT(look_up(RINIT_CHILD_BUFFER) & ENTRY_PRESENT);
    EXPECT(!(look_up(RINIT_STACK + RINIT_STACK_SIZE) & ENTRY_PRESENT));
    EXPECT(!(look_up(RINIT_CHILD_BUFFER + PAGE_SIZE) & ENTRY_PRESENT));
    EXPECT(!(look_up(0) & ENTRY_PRESENT));
}

/* L3, byte by byte; and the rights of each page are the segment's. */
TEST(memory_is_the_file_or_zero)
{
    struct elf_program program;
    const struct boot_module *module = &boot_info.modules[0];
    EXPECT(!elf_read(physical_pointer(module->start), module->size,
                     &program));
    for (unsigned i = 0; i < program.count; i++) {
        const struct elf_segment *s = &program.segments[i];
        uint64_t start = s->address & ~UINT64_C(0xfff);
        for (uint64_t at = start; at < s->address + s->size;
             at += PAGE_SIZE) {
            const uint8_t *bytes = page_of(at);
            uint64_t entry = look_up(at);
            EXPECT_EQUAL(!(entry & ENTRY_WRITABLE),
                         !(s->rights & RIGHT_WRITE));
            EXPECT_EQUAL(!(entry & ENTRY_NO_EXECUTE),
                         !!(s->rights & RIGHT_EXECUTE));
            for (uint64_t b = at; b < at + PAGE_SIZE; b++) {
                bool in_file = b >= s->address && b - s->address < s->length;
                EXPECT_EQUAL(bytes[b - at],
                             in_file ? s->bytes[b - s->address] : 0);
            }
        }
        still_alive();
    }
}

TEST(its_task_is_ready_with_nothing_in_its_registers)
{
    struct object *object = rinit_pool()->slots[SLOT_TASK].weak.object;
    const struct frame *frame = &task_from(object)->frame;
    EXPECT_EQUAL(frame->rsp, 0x80003ffc);
    EXPECT(frame->rip >= 0x400000 && frame->rip < 0x70000000);
    const uint64_t *registers = &frame->r15;
    for (unsigned i = 0; i < 15; i++)
        EXPECT_EQUAL(registers[i], 0);
}

/* --- A child ------------------------------------------------------------------ */

static uint64_t read_file(uint64_t offset, unsigned bytes)
{
    const struct boot_module *module = &boot_info.modules[0];
    uint64_t value = 0;
    EXPECT(offset + bytes <= module->size);
    memcpy(&value, (const char *)physical_pointer(module->start) + offset,
           bytes);
    return value;
}

/* The value of a symbol in rinit's table of symbols. */
static uint64_t symbol(const char *name)
{
    uint64_t sections = read_file(0x28, 8);
    for (uint64_t n = read_file(0x3c, 2); n-- > 0;) {
        uint64_t section = sections + 64 * n;
        if (read_file(section + 4, 4) != 2)
            continue;
        uint64_t at = read_file(section + 0x18, 8);
        uint64_t end = at + read_file(section + 0x20, 8);
        uint64_t strings = sections + 64 * read_file(section + 0x28, 4);
        const char *names =
            (const char *)physical_pointer(boot_info.modules[0].start) +
            read_file(strings + 0x18, 8);
        for (; at < end; at += 24)
            if (!memcmp(names + read_file(at, 4), name, strlen(name) + 1))
                return read_file(at + 8, 8);
    }
    test_fail(__FILE__, __LINE__, "rinit has no such symbol");
}

static void run_until_it_waits(struct task *task)
{
    while (task->state == TASK_READY) {
        EXPECT_EQUAL(run_to_entry(task), VECTOR_SYSCALL);
        system_call(task);
        still_alive();
    }
}

/* As Rux's manual builds it: its own task, all else is rinit's. */
TEST(a_child_reports_what_it_is_sent)
{
    enum { CHILD_TASK = 249 };
    struct cpool *pool = rinit_pool();
    struct capability *slots = pool->slots;
    EXPECT_EQUAL(untyped_retype(first_untyped[0], OBJECT_TASK, 0,
                                &pool->pool, CHILD_TASK),
                 NO_ERROR);
    struct task *task = task_from(slots[CHILD_TASK].weak.object);
    task_set(task, TASK_CPOOL, &slots[SLOT_POOL]);
    task_set(task, TASK_TABLE, &slots[SLOT_SPACE]);
    task_set(task, TASK_BUFFER, &slots[SLOT_CHILD_BUFFER]);
    task_set_register(task, TASK_INSTRUCTION, symbol("child_entry"));
    task_set_register(task, TASK_STACK, 1879064572);
    EXPECT_EQUAL(task_start(task), NO_ERROR);
    run_until_it_waits(task);
    EXPECT_EQUAL(task->state, TASK_TAKING);
    struct channel *channel = channel_from(slots[SLOT_CHILD].weak.object);
    EXPECT(channel->takers.next == &task->queue);
    channel_wake(task, NO_ERROR, (struct message){.word = 5});
    run_until_it_waits(task);
    EXPECT_EQUAL(task->state, TASK_TAKING);
    EXPECT_EQUAL(memcmp(page_of(RINIT_CHILD_BUFFER),
                        "Received from master: 5", 23),
                 0);
    while (!weak_revoke(&slots[SLOT_CHILD]))
        continue;
    run_until_it_waits(task);
    EXPECT_EQUAL(task->state, TASK_INACTIVE);
    check_all();
}

/* --- What is refused -------------------------------------------------------- */

/* A program of one page of code, somewhere. */
static struct {
    uint8_t magic[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, list, sections;
    uint32_t flags;
    uint16_t size, entry_size, entries, section[3];
    uint32_t segment_type, segment_flags;
    uint64_t offset, address, physical, length, memory, align;
    uint8_t code[16];
} file __attribute__((aligned(PAGE_SIZE)));

static void make_file(uint64_t address, uint64_t memory)
{
    memcpy(file.magic, "\177ELF\2\1\1", 7);
    file.type = 2;
    file.machine = 62;
    file.version = 1;
    file.entry = address;
    file.list = file.size = 64;
    file.entry_size = 56;
    file.entries = 1;
    file.segment_type = 1;
    file.segment_flags = 5;
    file.offset = 120;
    file.address = address;
    file.length = 16;
    file.memory = memory;
    boot_info.modules[0].start =
        image_physical(&file);
    boot_info.modules[0].size = sizeof file;
}

TEST_DIES(without_a_module_there_is_no_rinit, "no module")
{
    boot_info.module_count = 0;
    rinit_start();
}

TEST_DIES(a_damaged_module_is_refused, "64-bit")
{
    make_file(0x400000, 16);
    file.magic[4] = 1;
    rinit_start();
}

TEST_DIES(a_program_where_the_stack_belongs_is_refused, "where its stacks")
{
    make_file(RINIT_STACK, 16);
    rinit_start();
}

TEST_DIES(a_program_of_a_tebibyte_is_refused, "too large")
{
    make_file(0x400000, UINT64_C(1) << 40);
    rinit_start();
}

TEST_DIES(too_little_memory_is_said, "too little memory")
{
    struct untyped *memory = first_untyped[0];
    uint64_t room = memory->high.value - memory->low.value;
    EXPECT_EQUAL(untyped_retype(memory, OBJECT_UNTYPED,
                                (room & ~UINT64_C(0xfff)) - 16 * PAGE_SIZE,
                                &kernel_pool.pool, 9),
                 NO_ERROR);
    rinit_start();
}

/* --- The calls on the log --------------------------------------------------- */

PROGRAM(log_call, "1: syscall; jmp 1b")

static enum error log_call(struct process *p, uint64_t number, uint64_t log,
                           uint64_t second)
{
    struct frame *frame = &p->task->frame;
    frame->rax = number | (number == CALL_LOG_LIST ? 0x1100 : 0x100);
    frame->rdi = log;
    frame->rsi = second;
    EXPECT_EQUAL(run_to_entry(p->task), VECTOR_SYSCALL);
    system_call(p->task);
    return (enum error)frame->rax;
}

TEST(the_log_checks_what_it_is_asked)
{
    enum { LOG = 100, DEAF = 101, BUFFER = 102, PAGES = 0x600000 };
    static struct log log;
    if (log.object.type == OBJECT_NONE) {
        object_init(&log.object, OBJECT_LOG);
        object_keep(&log.object);
    }
    struct untyped *ground = fresh_ground();
    struct process p = start_program(ground, 1, PROGRAM_OF(log_call));
    struct weak_pool *pool = &p.pool->pool;
    weak_original(pool, LOG, &log.object, RIGHT_ALL, 0);
    weak_derive(pool, DEAF, &p.pool->slots[LOG], RIGHT_READ, 0);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, LOG, 1), ERROR_NO_BUFFER);
    EXPECT_EQUAL(untyped_retype(ground, OBJECT_BUFFER, 0, pool, BUFFER),
                 NO_ERROR);
    task_stop(p.task);
    EXPECT_EQUAL(task_set(p.task, TASK_BUFFER, &p.pool->slots[BUFFER]),
                 NO_ERROR);
    EXPECT_EQUAL(task_start(p.task), NO_ERROR);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, LOG, 0), NO_ERROR);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, LOG, LOG_TEXT), NO_ERROR);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, LOG, LOG_TEXT + 1),
                 ERROR_TOO_LONG);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, LOG, UINT64_MAX),
                 ERROR_TOO_LONG);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, DEAF, 1), ERROR_NO_RIGHT);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_PRINT, 0, 1), ERROR_WRONG_TYPE);
    for (unsigned i = LOG - 1; i <= BUFFER; i++) {
        p.task->frame.rdx = i;
        EXPECT_EQUAL(log_call(&p, CALL_LOG_LIST, LOG, 0), NO_ERROR);
    }
    p.task->frame.rdx = CPOOL_SLOTS;
    EXPECT_EQUAL(log_call(&p, CALL_LOG_LIST, LOG, 0), ERROR_BAD_SLOT);
    p.task->frame.rdx = UINT64_C(1) << 32;
    EXPECT_EQUAL(log_call(&p, CALL_LOG_LIST, LOG, 0), ERROR_BAD_SLOT);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_LIST, LOG, 1), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_LIST, 0, 0), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(log_call(&p, CALL_LOG_LIST, DEAF, 0), ERROR_NO_RIGHT);
    check_all();
}
