/*
 * calls.pml - put, call, take, reply, stopping and destruction, for Spin.
 *
 * Two clients put messages into a channel or call through it, as they like,
 * and two servers take and reply, not always as they should. The steps have the
 * names of the kernel's functions. A system call is one step, since the kernel
 * lets no interrupt in; between two calls anything may happen.
 *
 *   spin -a calls.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * searches every order in which this can happen. An error is a state in which
 * an assertion fails, or in which a client waits and nobody will ever wake it.
 * Servers may wait for ever, but not while there is a message.
 *
 *   -DEND       the channel ends, in many steps, as in a reset that stops
 *   -DSTOP      a task is stopped, at any moment, and perhaps started again
 *   -DEACH=n    messages of each client, 2 unless it is said
 *   -DMUTANT=n  with one of the mistakes that Spin has to find, 1 to 7
 */
#ifndef MUTANT
#define MUTANT 0
#endif

#define CLIENTS 2
#define TASKS 4
#define ROOM 1
#ifndef EACH
#define EACH 2 /* messages of each client */
#endif
#define NOBODY 7 /* what a reference refers to that refers to nothing */

mtype = { inactive, ready, taking, putting, calling, awaiting };
mtype = { fine, replied, unable, revoked, no_caller };

mtype state[TASKS] = ready;
mtype answer[TASKS] = unable;

/* The references of tasks that calls have. They stay when a reply is given. */
byte server_of[CLIENTS] = NOBODY; /* TASK_SERVER */
byte caller_of[TASKS] = NOBODY;   /* TASK_CALLER; of servers */

/* The channel. A message is whom it is from. */
chan ring = [ROOM] of { byte };
chan takers = [TASKS] of { byte };
chan putters = [TASKS] of { byte };
bool ending, ended; /* the destroyer has begun, has done */
bool failed; /* a taker has been unable to take */
bool gone;   /* somebody has left a queue out of turn */

/* What the kernel does not know, and Spin does: who ought to be able to reply to
   each client. */
byte right[CLIENTS] = NOBODY;

hidden byte other, old; /* within a step only */

inline channel_wake(task, reason)
{
    assert(state[task] != ready && state[task] != inactive);
    state[task] = ready;
    answer[task] = reason
}

/* --- Replies ------------------------------------------------------------------- */

#define IS_OWED(server, c) \
    (caller_of[server] == c && \
        (MUTANT == 1 || state[c] == awaiting) && \
        (MUTANT == 2 || server_of[c] == server))

inline reply_break(server)
{
    old = caller_of[server];
    if
    :: old != NOBODY && IS_OWED(server, old) ->
       right[old] = NOBODY; channel_wake(old, revoked)
    :: else
    fi
}

inline reply_owe(server, caller)
{
    if
    :: MUTANT != 3 -> reply_break(server)
    :: MUTANT == 3
    fi;
    caller_of[server] = caller;
    server_of[caller] = server;
    right[caller] = server
}

/* Whom it is meant for, and whether it arrives, is what this is about. */
inline reply_give(server)
{
    old = caller_of[server];
    if
    :: old != NOBODY && IS_OWED(server, old) ->
       assert(right[old] == server);
       right[old] = NOBODY;
       channel_wake(old, replied);
       answer[server] = fine
    :: else ->
       assert(right[0] != server && right[1] != server);
       answer[server] = no_caller
    fi
}

/* --- The channel ---------------------------------------------------------------- */

inline channel_wait(queue, task, why)
{
    queue!task;
    state[task] = why
}

/* The first taker gets a message, or is told that it cannot, and then the
   call is made again. */
inline hand_over(from)
{
    takers?other;
    if
    :: channel_wake(other, fine)
    :: !failed -> failed = true; channel_wake(other, unable); again = true
    fi
}

inline channel_put(from)
{
    if
    :: ending -> answer[from] = revoked
    :: !ending && len(takers) > 0 -> hand_over(from); answer[from] = fine
    :: !ending && len(takers) == 0 && len(putters) == 0 && len(ring) < ROOM ->
       ring!from; answer[from] = fine
    :: !ending && len(takers) == 0 && (len(putters) > 0 || len(ring) == ROOM) ->
       channel_wait(putters, from, putting)
    fi
}

inline channel_call(from)
{
    if
    :: ending -> answer[from] = revoked
    :: !ending && len(takers) > 0 ->
       hand_over(from);
       if
       :: again
       :: !again -> reply_owe(other, from); state[from] = awaiting
       fi
    :: !ending && len(takers) == 0 -> channel_wait(putters, from, calling)
    fi
}

inline accept_putters()
{
    do
    :: len(putters) > 0 && len(ring) < ROOM ->
       putters?<other>;
       if
       :: state[other] == putting || MUTANT == 6 ->
          putters?other; ring!other; channel_wake(other, fine)
       :: else -> break
       fi
    :: else -> break
    od
}

inline take_from_queue(to)
{
    putters?other;
    if
    :: state[other] == calling -> reply_owe(to, other); state[other] = awaiting
    :: state[other] == putting -> channel_wake(other, fine)
    fi;
    answer[to] = fine;
    accept_putters()
}

inline channel_take(to)
{
    if
    :: ending -> answer[to] = revoked
    :: !ending && len(ring) > 0 ->
       ring?other; answer[to] = fine; accept_putters()
    :: !ending && len(ring) == 0 && len(putters) > 0 -> take_from_queue(to)
    :: !ending && len(ring) == 0 && len(putters) == 0 ->
       channel_wait(takers, to, taking)
    fi
}

/* The capability is looked at before anything is done. */
inline call_reply_take(to)
{
    if
    :: ending -> answer[to] = revoked
    :: !ending -> reply_give(to); channel_take(to)
    fi
}

/* --- Tasks ---------------------------------------------------------------------- */

inline leave(queue, task)
{
    if
    :: queue??[eval(task)] -> queue??eval(task)
    :: !queue??[eval(task)]
    fi
}

inline task_stop(task)
{
    leave(takers, task);
    leave(putters, task);
    gone = true;
    if
    :: MUTANT != 4 -> reply_break(task)
    :: MUTANT == 4
    fi;
    state[task] = inactive;
    if
    :: task < CLIENTS -> right[task] = NOBODY
    :: task >= CLIENTS
    fi
}

active [CLIENTS] proctype client()
{
    byte sent;
    bool again; /* the call has woken a taker in vain */
    bool calls; /* and does not put */

    do
    :: sent < EACH ->
       atomic {
           state[_pid] == ready;
           if
           :: calls = false; channel_put(_pid)
           :: calls = true; channel_call(_pid)
           fi
       }
wait:  atomic {
           state[_pid] == ready;
           if
           :: again -> again = false
           :: !again ->
              assert(answer[_pid] != (calls -> fine : replied));
              sent++
           fi;
           answer[_pid] = unable; calls = false
       }
    :: sent == EACH -> break
    od
}

#define OWES(server) (right[0] == server || right[1] == server)
#define MESSAGE (len(ring) > 0 || len(putters) > 0)

/* A server replies once, twice or not at all before it takes again. Only to
   wait while it owes a reply would be its own mistake: its client waited as
   long as it does. */
active [TASKS - CLIENTS] proctype server()
{
    do
    :: if
       :: skip
       :: atomic { state[_pid] == ready -> reply_give(_pid) }
          if
          :: skip
          :: atomic { state[_pid] == ready -> reply_give(_pid) }
          fi
       fi;
end_take:
       if
       :: atomic {
              state[_pid] == ready && (!OWES(_pid) || MESSAGE || ending) ->
              channel_take(_pid)
          }
#if MUTANT == 7
       :: atomic {
              state[_pid] == ready && !ending && !MESSAGE -> reply_give(_pid)
          }
          atomic { channel_wait(takers, _pid, taking) }
#else
       :: atomic { state[_pid] == ready -> call_reply_take(_pid) }
#endif
       fi;
end_wait:
       atomic {
           state[_pid] == ready;
           if
           :: answer[_pid] == revoked -> task_stop(_pid); break
           :: answer[_pid] != revoked -> answer[_pid] = fine
           fi
       }
    od
}

/* The channel may end at any time, or never: a waiter is woken at each step. */
active proctype destroyer()
{
#ifdef END
    if
    :: skip
    :: ending = true;
       do
       :: atomic { len(takers) > 0 -> takers?other; channel_wake(other, revoked) }
       :: atomic {
              len(putters) > 0 ->
              putters?other;
              if
              :: MUTANT == 5 && state[other] == calling
              :: else -> channel_wake(other, revoked)
              fi
          }
       :: len(takers) == 0 && len(putters) == 0 -> break
       od;
       ended = true
    fi
#endif
    skip
}

/* A client or a server, which are alike among themselves, may be stopped at any
   time, and started again; a server may stay away. */
active proctype stopper()
{
    byte task;

#ifdef STOP
    if
    :: task = 0
    :: task = CLIENTS
    fi;
    if
    :: skip
    :: atomic { task_stop(task) }
       if
       :: atomic { state[task] = ready; answer[task] = unable }
       :: task >= CLIENTS
       fi
    fi
#endif
    skip
}

/* --- What holds at every moment --------------------------------------------------- */

#define CALLER_FIRST ((state[0] == calling && putters?[0]) || \
                      (state[1] == calling && putters?[1]))

/* Nobody waits for what is there. Only who stands behind a caller that leaves
   waits for the next take, though there may be room. */
#define H1 (ending || ((len(takers) == 0 || !MESSAGE) && \
                       (len(putters) == 0 || len(ring) == ROOM || \
                        CALLER_FIRST || gone)))

/* Whoever awaits a reply is owed one, and who ought to reply is who can. */
#define Y1(server, c) (IS_OWED(server, c) == (right[c] == server))
#define Y1_OF(c) (Y1(2, c) && Y1(3, c) && \
                  (state[c] != awaiting || right[c] != NOBODY))

active proctype monitor()
{
end:
    if
    :: atomic { !H1 -> assert(false) }
    :: atomic { !Y1_OF(0) || !Y1_OF(1) -> assert(false) }
    :: atomic { ended && (len(takers) > 0 || len(putters) > 0) -> assert(false) }
    fi
}
