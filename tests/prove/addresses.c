/* Addresses of slots: no shift is too wide, and what is put in is found. */
#include <rux/caddr.h>

/*@ assigns \nothing;
    ensures \result.length == 1 && \result.hops == hop; */
static inline caddr_t caddr(uint8_t hop);

/*@ requires n < CADDR_HOPS;
    assigns \nothing;
    ensures \result == (uint8_t)(address.hops >> 8 * n); */
static inline uint8_t caddr_hop(caddr_t address, unsigned n);

/*@ requires address.length < 0xffffffff;
    assigns \nothing;
    ensures \result.length == address.length + 1;
    ensures address.length >= CADDR_HOPS ==> \result.hops == address.hops;
    ensures address.length < CADDR_HOPS ==>
      \result.hops ==
        (address.hops | (uint64_t)((uint64_t)hop << 8 * address.length)); */
static inline caddr_t caddr_append(caddr_t address, uint8_t hop);
