/* Room in an untyped: the sums are those of arithmetic, not of 64 bits. */
#include "kernel/cap/untyped.c"

/*@ requires \valid_read(untyped) && !untyped->device;
    requires untyped->low.value <= untyped->high.value;
    assigns \nothing;
    ensures \result <==>
      structure + memory <= untyped->high.value - untyped->low.value; */
static bool untyped_has_room(const struct untyped *untyped,
    size_t structure, size_t memory);

/*@ assigns \nothing;
    ensures \result <= CLEAN_BYTES;
    ensures from + \result <= to || \result == 0;
    ensures from < to ==> \result > 0; */
static inline uint64_t clean_piece(uint64_t from, uint64_t to);

/*@ requires address.value + bytes <= 0xffffffffffffffff;
    assigns \nothing;
    ensures \result.value == address.value + bytes; */
static inline paddr_t physical_add(paddr_t address, uint64_t bytes);
