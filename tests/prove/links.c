/* Links: each operation leaves the neighbours knowing each other, and writes
   to nobody else. */
#include "kernel/cap/link.h"

/*@ predicate joined(struct link *a, struct link *b) =
      a->next == b && b->prev == a;
    predicate linked(struct link *l) =
      \valid(l) && \valid(l->prev) && \valid(l->next) &&
      joined(l->prev, l) && joined(l, l->next);
    predicate whole(struct link *a, struct link *b) =
      a == b || \separated(a, b); */

/*@ requires \valid(link);
    assigns *link;
    ensures joined(link, link); */
static inline void link_init(struct link *link);

/*@ requires linked(at) && \valid(link);
    requires \separated(link, at, at->next);
    assigns *link, at->next, at->next->prev;
    ensures joined(at, link) && joined(link, \old(at->next));
    ensures at->prev == \old(at->prev) || \old(at->next) == at; */
static inline void link_insert_after(struct link *at, struct link *link);

/*@ requires linked(at) && \valid(link);
    requires \separated(link, at, at->prev) && linked(at->prev);
    assigns *link, at->prev, at->prev->next;
    ensures joined(\old(at->prev), link) && joined(link, at); */
static inline void link_insert_before(struct link *at, struct link *link);

/*@ requires linked(link) && whole(link, link->prev);
    requires whole(link, link->next) && whole(link->prev, link->next);
    assigns *link, link->prev->next, link->next->prev;
    ensures joined(link, link);
    ensures \old(link->prev) != link ==>
      joined(\old(link->prev), \old(link->next)); */
static inline void link_remove(struct link *link);
