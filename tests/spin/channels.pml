/*
 * channels.pml - put, take, recall and destruction of a channel, for Spin.
 *
 * Two tasks put and two take. A system call is one step, since the kernel lets
 * no interrupt in; between two calls anything may happen. The end of a channel
 * is many steps, between which the tasks make calls, as a reset that stops is.
 *
 *   spin -a channels.pml && gcc -O2 -o pan pan.c && ./pan
 *
 * searches every order in which this can happen. An error is a state in which
 * an assertion fails, or in which a task waits and nobody will ever wake it.
 * Messages are as many as are wanted, so that without an end nobody is left.
 *
 *   -DREVOKE    somebody revokes the capability of one who waits, whoever it is;
 *               after that others may rightly wait for ever, but not although
 *               there is a message, or room
 *   -DMUTANT=n  with one of the mistakes that Spin has to find, 1 to 3
 */
#ifndef MUTANT
#define MUTANT 0
#endif

#ifdef REVOKE
#define WAIT end:
#else
#define WAIT wait:
#endif

#define PUTTERS 2
#define TASKS 4
#define ROOM 2
#define EACH 2     /* messages of each task */
#define UNABLE 1   /* how often a taker may be unable to take */

mtype = { ready, taking, putting };
mtype = { fine, unable, revoked };

mtype state[TASKS] = ready;
mtype answer[TASKS];
byte word[PUTTERS]; /* what a task puts */
byte next[PUTTERS]; /* of each putter's messages, the next to be taken */
byte failures;

chan ring = [ROOM] of { byte };
chan takers = [TASKS] of { byte };
chan putters = [TASKS] of { byte };
hidden byte other, message; /* within a step only */
bool ending, ended; /* the destroyer has begun, has done */

inline wake(task, reason)
{
    assert(state[task] != ready);
    state[task] = ready;
    answer[task] = reason
}

/* A message is its putter and its number; they are taken in their order. */
inline note(what)
{
    assert(what % 16 == next[what / 16]);
    next[what / 16]++
}

/* The first taker gets it, or is told that it cannot; the call is then made
   again, and so one step serves one taker. */
inline hand_over(task)
{
    takers?other;
    if
    :: note(word[task]); wake(other, fine); answer[task] = fine
    :: failures < UNABLE -> failures++; wake(other, unable); again = true
    fi
}

inline put(task)
{
    again = false;
    if
    :: ending -> answer[task] = revoked
    :: !ending && len(takers) > 0 -> hand_over(task)
    :: !ending && len(takers) == 0 && len(ring) < ROOM ->
       ring!word[task]; answer[task] = fine
    :: !ending && len(takers) == 0 && len(ring) == ROOM ->
       putters!task; state[task] = putting
    fi
}

inline accept()
{
    if
    :: len(putters) > 0 && MUTANT != 1 ->
       putters?other; ring!word[other]; wake(other, fine)
    :: len(putters) == 0 || MUTANT == 1
    fi
}

inline take(task)
{
    if
    :: ending -> answer[task] = revoked
    :: !ending && len(ring) > 0 ->
       if
       :: ring?message; note(message); answer[task] = fine; accept()
       :: failures < UNABLE -> failures++; answer[task] = unable
       fi
    :: !ending && len(ring) == 0 ->
       takers!task; state[task] = taking
    fi
}

/* A call is the attempt, and the waiting that may follow. Mutant 2 lets go of
   the processor in between. */
active [PUTTERS] proctype putter()
{
    byte sent;
    bool again; /* the call has woken a taker in vain */

    do
    :: sent < EACH ->
       atomic { word[_pid] = _pid * 16 + sent; put(_pid) }
WAIT   atomic {
           state[_pid] == ready;
           if
           :: again
           :: !again && answer[_pid] == fine -> sent++
           :: !again && answer[_pid] == revoked -> break
           fi
       }
    :: sent == EACH -> break
    od
}

active [TASKS - PUTTERS] proctype taker()
{
    byte got;

    do
    :: got < EACH ->
#if MUTANT == 2
       if
       :: len(ring) == 0 && !ending -> atomic { takers!_pid; state[_pid] = taking }
       :: len(ring) > 0 || ending -> atomic { take(_pid) }
       fi;
#else
       atomic { take(_pid) }
#endif
WAIT   atomic {
           state[_pid] == ready;
           if
           :: answer[_pid] == fine -> got++
           :: answer[_pid] == unable
           :: answer[_pid] == revoked -> break
           fi
       }
    :: got == EACH -> break
    od
}

/* The channel may end at any time, or never: a waiter is woken at each step. */
active proctype destroyer()
{
    if
    :: skip
    :: ending = true;
       do
       :: atomic { len(takers) > 0 -> takers?other; wake(other, revoked) }
#if MUTANT != 3
       :: atomic { len(putters) > 0 -> putters?other; wake(other, revoked) }
#endif
       :: len(takers) == 0 && (len(putters) == 0 || MUTANT == 3) -> break
       od;
       ended = true
    fi
}

#ifdef REVOKE
active proctype revoker()
{
    if
    :: skip
    :: atomic {
           if
           :: len(takers) > 0 ->
              if
              :: takers?other
              :: len(takers) > 1 -> takers?other; takers!other; takers?other
              fi;
              wake(other, revoked)
           :: len(putters) > 0 ->
              if
              :: putters?other
              :: len(putters) > 1 -> putters?other; putters!other; putters?other
              fi;
              wake(other, revoked)
           :: len(takers) == 0 && len(putters) == 0
           fi
       }
    fi
}
#endif

/* H1, at every moment; and after its end nobody stands at a channel. */
#define H1 (ending || ((len(takers) == 0 || len(ring) == 0) && \
                       (len(putters) == 0 || len(ring) == ROOM)))

active proctype monitor()
{
end:
    if
    :: atomic { !H1 -> assert(false) }
    :: atomic { ended && (len(takers) > 0 || len(putters) > 0) -> assert(false) }
    fi
}
