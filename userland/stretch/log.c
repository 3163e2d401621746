/* The calls that write. */
#include <rux/log.h>
#include <rux/rinit.h>

#include "userland/bench/count.h"
#include "userland/graph.h"
#include "userland/stretch/stretch.h"

static void fill_buffer(void)
{
    char *text = (char *)RINIT_BUFFER;

    for (unsigned i = 0; i < LOG_TEXT; i++)
        text[i] = '.';
}

void stretch_log(void)
{
    fill_buffer();
    begin();
    end(system_log_print(caddr(SLOT_LOG), LOG_TEXT),
        "print as long a line as can be");
    for (uint8_t slot = AT_FIRST; slot <= AT_LAST; slot++)
        must(system_copy(caddr(SLOT_MEMORY), caddr(SLOT_POOL), slot, 0),
            "copy");
    begin();
    end(system_log_list(caddr(SLOT_LOG), caddr(SLOT_POOL)),
        "list a full pool");
    begin();
    end(graph_object(caddr(SLOT_LOG), caddr(SLOT_POOL)),
        "write what a graph of it needs");
    must(system_revoke(caddr(SLOT_MEMORY)), "revoke");
}
