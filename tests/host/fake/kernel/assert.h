/* On the host an assertion that fails ends the test, with a backtrace. */
#pragma once
#include <assert.h>
