/* Strong references: a count goes up by one and down by one, nothing else
   changes, and no assertion can fail for a caller who keeps the rules. */

/* Where a task's registers lie does not matter here, and Frama-C does not
   know the word. */
#define _Alignas(bytes)

#include "kernel/cap/object.c"

/*@ requires \valid(object) && 0 < object->strong < 0xffff;
    assigns object->strong;
    ensures object->strong == \old(object->strong) + 1; */
static inline void object_acquire(struct object *object);

/*@ requires \valid(object) && object->strong > 1;
    assigns object->strong;
    ensures object->strong == \old(object->strong) - 1; */
static inline void object_release(struct object *object);
