/* world.c - a task with a pool, memory and a device, as on the kernel. */
#include "tests/host/model/world.h"

#include <string.h>

#include "kernel/cap/cpool.h"
#include "kernel/cap/task.h"
#include "kernel/cap/untyped.h"
#include "kernel/machine.h"
#include "kernel/syscall.h"

/* The kernel's own pool keeps what the world is made of, in the same slots. */
enum { KEPT_TASK = MODEL_GIVEN, KEPT_GROUND };

enum {
    RAM = 0x10000, /* to the end of the arena */
    RAM_SIZE = ARENA_SIZE - RAM,
    DEVICE_PAGE = 0x8000,
    DEVICE = 0x400a0000, /* behind the arena: nobody writes there */
    DEVICE_SIZE = 0x20000,
};

static struct cpool keeper;
static struct task *task;

static void *make(struct untyped *of, unsigned type, size_t bytes,
    unsigned slot)
{
    enum error error = untyped_retype(of, type, bytes, &keeper.pool, slot);

    if (error)
        __builtin_trap();
    return keeper.slots[slot].weak.object;
}

const struct weak *world_kept(int object)
{
    return object < MODEL_GIVEN ? &keeper.slots[object].weak : NULL;
}

static struct model_memory memory_of(const struct untyped *untyped,
    uint64_t limit)
{
    return (struct model_memory){ untyped->start.value, untyped->end.value,
        untyped->first.value, limit, untyped->depth };
}

static void end_last_world(void)
{
    struct object *object = object_next(NULL);

    interrupt_script = NULL;
    while (object) {
        object_release(object);
        object = object_next(NULL);
    }
}

void world_begin(struct model *model, uint32_t pages)
{
    uint64_t size[OBJECT_TYPES] = { 0 };

    end_last_world();
    memset(arena, 0xa5, sizeof arena);
    memset(&keeper, 0, sizeof keeper);
    object_init(&keeper.object, OBJECT_CPOOL);
    object_keep(&keeper.object);
    cpool_construct(&keeper.object, physical(0), 0);

    struct untyped *all = untyped_of_ram(physical(RAM), physical(ARENA_SIZE));
    struct untyped *ground =
        make(all, OBJECT_UNTYPED, RAM_SIZE - PAGE_SIZE, KEPT_GROUND);
    struct untyped *memory =
        make(ground, OBJECT_UNTYPED, pages * PAGE_SIZE, MODEL_MEMORY);
    struct cpool *root = make(ground, OBJECT_CPOOL, 0, MODEL_ROOT);
    struct untyped *device = untyped_of_device(physical(DEVICE),
        physical(DEVICE + DEVICE_SIZE), physical(DEVICE_PAGE));

    task = make(ground, OBJECT_TASK, 0, KEPT_TASK);
    weak_original(&keeper.pool, MODEL_DEVICE, &device->object, RIGHT_ALL, 0);
    for (unsigned slot = 0; slot < MODEL_GIVEN; slot++)
        weak_derive(&root->pool, slot, &keeper.slots[slot], RIGHT_ALL, 0);
    task_set(task, TASK_CPOOL, &keeper.slots[MODEL_ROOT]);

    struct model_memory ram = memory_of(memory, 0);
    struct model_memory screen =
        memory_of(device, DEVICE_PAGE + PAGE_SIZE);

    for (unsigned type = 1; type < OBJECT_TYPES; type++)
        size[type] = object_class(type)->size;
    model_init(model, size, &ram, &screen);
    model->object[MODEL_ROOT].place = pointer_physical(root).value;
    model->object[MODEL_MEMORY].place = pointer_physical(memory).value;
    model->object[MODEL_DEVICE].place = pointer_physical(device).value;
}

static unsigned stop_at;

static bool at_that_look(void)
{
    return looks == stop_at;
}

bool world_call(const struct operation *o, struct outcome *outcome)
{
    struct frame *frame = &task->frame;
    const uint64_t somewhere = 0x400000;

    frame->rip = somewhere;
    frame->rax = o->word;
    frame->rdi = o->argument[0];
    frame->rsi = o->argument[1];
    frame->rdx = o->argument[2];
    frame->r8 = o->argument[3];
    frame->r9 = o->argument[4];
    frame->r10 = o->argument[5];
    looks = 0;
    stop_at = o->stop;
    interrupt_script = o->stop ? at_that_look : NULL;
    int64_t rax = system_call_at_once(frame->argument);
    if (rax < 0)
        system_call(task);
    else
        frame->rax = (uint64_t)rax;
    interrupt_script = NULL;
    *outcome = (struct outcome){ frame->rax, frame->rdx, frame->rsi };
    return frame->rip != somewhere;
}
