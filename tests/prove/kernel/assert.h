/* For the proof an assertion is a place that must not be reached when its
   condition is false. */
#pragma once

/*@ requires \false;
    assigns \nothing; */
void assertion_fails(void);

#define assert(condition) \
    do { \
        if (!(condition)) \
            assertion_fails(); \
    } while (0)
