/* What the core asks of the machine, as the host plays it. */
#include <string.h>

#include "kernel/machine.h"
#include "kernel/x86/paging.h"

_Alignas(PAGE_SIZE) unsigned char arena[ARENA_SIZE];
unsigned tlb_flushes;
bool (*interrupt_script)(void);
unsigned looks;
paddr_t paging_kernel_pml4;
static paddr_t loaded;

/* Nothing is ever the matter with a processor that is played. */
void check_traps(void);
void check_traps(void)
{
}

void check_interrupts(void);
void check_interrupts(void)
{
}

/* No task has its vector registers, or any other. */
struct task;
void floating_put_back(struct task *task);
void floating_put_back(struct task *task)
{
    (void)task;
}

void tlb_flush(void)
{
    tlb_flushes++;
}

bool interrupt_waits(void)
{
    looks++;
    return interrupt_script && interrupt_script();
}

/* The kernel's half of a top table: anything that can be recognized. */
void paging_copy_kernel_half(void *pml4)
{
    memset((unsigned char *)pml4 + PAGE_SIZE / 2, 0x11, PAGE_SIZE / 2);
}

bool paging_has_kernel_half(const void *pml4)
{
    const unsigned char *half = (const unsigned char *)pml4 + PAGE_SIZE / 2;

    return half[0] == 0x11 && !memcmp(half, half + 1, PAGE_SIZE / 2 - 1);
}

void paging_load(paddr_t pml4)
{
    loaded = pml4;
}

void paging_leave(paddr_t pml4)
{
    if (loaded.value == pml4.value)
        loaded = paging_kernel_pml4;
}
