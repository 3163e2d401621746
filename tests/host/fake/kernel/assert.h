/* On the host a failed assertion fails the test; expect_assert_failure()
   says that it must. */
#pragma once
#include "../../host.h"

#define assert(condition) \
    mock_assert((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
