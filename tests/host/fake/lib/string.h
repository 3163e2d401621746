/* The host has these functions already. */
#pragma once
#include <string.h>
